/*
 * Copyright (c) 2026 The Open vSwitch VMQ developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#include <config.h>

#include "vmq-traffic-control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* More clients than that wait until another one leaves. */
#define MAX_CLIENTS 8

/* Longest line of a client. */
#define MAX_LINE 512

struct client {
    int fd;                     /* -1 if unused. */
    size_t n;
    char line[MAX_LINE];
};

struct vmq_control {
    int fd;
    char *path;
    struct client clients[MAX_CLIENTS];
};

/* Returns true if 'path' fits into the address of a socket. */
bool
vmq_socket_path_ok(const char *path)
{
    struct sockaddr_un address;

    return *path && strlen(path) < sizeof address.sun_path;
}

static void
make_address(const char *path, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strncpy(address->sun_path, path, sizeof address->sun_path - 1);
}

/* Connects to the socket at 'path'.  Returns a file descriptor, or -1 with
 * errno set. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address;
    int error;
    int fd;

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    make_address(path, &address);
    if (connect(fd, (struct sockaddr *) &address, sizeof address)) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Returns true if somebody listens on the socket at 'path'. */
bool
vmq_socket_is_live(const char *path)
{
    int fd = connect_to(path);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    return errno == EAGAIN;
}

static char *
error_new(const char *path, const char *what)
{
    char *s;

    if (asprintf(&s, "%s: %s", path, what) < 0) {
        abort();
    }
    return s;
}

/* Starts to listen on 'path'.  A socket there that nobody listens on any
 * longer is replaced. */
char *
vmq_control_open(const char *path, struct vmq_control **controlp)
{
    struct vmq_control *control;
    struct sockaddr_un address;
    char *error;
    int fd;

    *controlp = NULL;
    if (!vmq_socket_path_ok(path)) {
        return error_new(path, "not a usable name for a socket");
    }
    if (vmq_socket_is_live(path)) {
        return error_new(path, "in use by another process");
    }
    if (errno == ECONNREFUSED) {
        unlink(path);
    }

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    make_address(path, &address);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address)) {
        error = error_new(path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return error;
    }
    if (listen(fd, MAX_CLIENTS)) {
        error = error_new(path, strerror(errno));
        unlink(path);
        close(fd);
        return error;
    }

    control = calloc(1, sizeof *control);
    if (!control) {
        abort();
    }
    control->fd = fd;
    control->path = strdup(path);
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        control->clients[i].fd = -1;
    }
    *controlp = control;
    return NULL;
}

static void
client_close(struct client *client)
{
    close(client->fd);
    client->fd = -1;
}

static void
client_reply(struct client *client, vmq_control_cb *cb, void *aux)
{
    char *reply = cb(client->line, aux);
    size_t len = strlen(reply);

    reply[len] = '\n';          /* Replaces the null terminator. */
    if (send(client->fd, reply, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT)
        != (ssize_t) (len + 1)) {
        client_close(client);
    }
    free(reply);
}

static void
client_run(struct client *client, vmq_control_cb *cb, void *aux)
{
    char *newline;
    ssize_t n;

    n = recv(client->fd, client->line + client->n,
             sizeof client->line - client->n, MSG_DONTWAIT);
    if (n <= 0) {
        if (!n || (errno != EAGAIN && errno != EINTR)) {
            client_close(client);
        }
        return;
    }
    client->n += n;
    while (client->fd >= 0
           && (newline = memchr(client->line, '\n', client->n))) {
        size_t used = newline + 1 - client->line;

        *newline = '\0';
        client_reply(client, cb, aux);
        client->n -= used;
        memmove(client->line, client->line + used, client->n);
    }
    if (client->fd >= 0 && client->n == sizeof client->line) {
        client_close(client);
    }
}

/* Handles what clients sent.  Does not block.  NULL is ignored. */
void
vmq_control_run(struct vmq_control *control, vmq_control_cb *cb, void *aux)
{
    struct pollfd pfds[MAX_CLIENTS + 1];
    struct client *free_client = NULL;

    if (!control) {
        return;
    }
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        struct client *client = &control->clients[i];

        pfds[i] = (struct pollfd) { .fd = client->fd, .events = POLLIN };
        if (client->fd < 0) {
            free_client = client;
        }
    }
    pfds[MAX_CLIENTS] = (struct pollfd) {
        .fd = free_client ? control->fd : -1,
        .events = POLLIN
    };
    if (poll(pfds, MAX_CLIENTS + 1, 0) <= 0) {
        return;
    }

    if (pfds[MAX_CLIENTS].revents) {
        free_client->fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);
        free_client->n = 0;
    }
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        if (pfds[i].revents) {
            client_run(&control->clients[i], cb, aux);
        }
    }
}

void
vmq_control_close(struct vmq_control *control)
{
    if (control) {
        for (size_t i = 0; i < MAX_CLIENTS; i++) {
            if (control->clients[i].fd >= 0) {
                client_close(&control->clients[i]);
            }
        }
        unlink(control->path);
        close(control->fd);
        free(control->path);
        free(control);
    }
}

/* Sends 'line' to the program that listens on 'path' and waits for its reply.
 */
char *
vmq_control_ask(const char *path, const char *line, char **reply)
{
    size_t size = 0;
    char *error = NULL;
    FILE *stream;
    ssize_t n;
    int fd;

    *reply = NULL;
    if (!vmq_socket_path_ok(path)) {
        return error_new(path, "not a usable name for a socket");
    }
    fd = connect_to(path);
    if (fd < 0) {
        return error_new(path, strerror(errno));
    }
    stream = fdopen(fd, "r+");
    if (!stream) {
        error = error_new(path, strerror(errno));
        close(fd);
        return error;
    }
    errno = 0;
    if (fprintf(stream, "%s\n", line) < 0 || fflush(stream)) {
        error = error_new(path, strerror(errno));
    } else {
        n = getline(reply, &size, stream);
        if (n <= 0 || (*reply)[n - 1] != '\n') {
            error = error_new(path, errno ? strerror(errno) : "no reply");
            free(*reply);
            *reply = NULL;
        } else {
            (*reply)[n - 1] = '\0';
        }
    }
    fclose(stream);
    return error;
}

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

#include "vmq-traffic-vhost.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The part of the vhost-user protocol that has an answer. */
enum {
    VHOST_GET_FEATURES = 1,
    VHOST_GET_VRING_BASE = 11,
    VHOST_GET_PROTOCOL_FEATURES = 15,
    VHOST_GET_QUEUE_NUM = 17
};

#define VHOST_F_MQ (UINT64_C(1) << 22)
#define VHOST_F_PROTOCOL_FEATURES (UINT64_C(1) << 30)
#define VHOST_F_VERSION_1 (UINT64_C(1) << 32)
#define VHOST_PROTOCOL_F_MQ (UINT64_C(1) << 0)

#define VHOST_VERSION 0x1
#define VHOST_REPLY 0x4

/* Most queue pairs of a virtio-user device. */
#define VHOST_MAX_QUEUES 8

/* Most file descriptors with one message: one for each region of memory. */
#define VHOST_MAX_FDS 8

struct vhost_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;              /* Of the payload. */
};

/* The largest payload is a memory table: 8 bytes and 8 regions of 32. */
union vhost_payload {
    uint64_t u64;
    uint32_t vring[2];          /* Index, number. */
    uint8_t bytes[8 + VHOST_MAX_FDS * 32];
};

struct vmq_backend {
    pthread_t thread;
    int fd;
    atomic_bool stop;           /* Give up connecting. */
    struct sockaddr_un address;
};

static void
close_fds(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

            for (size_t i = 0; i < n; i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                close(fd);
            }
        }
    }
}

/* Receives 'size' bytes, drops the file descriptors that come with them. */
static bool
receive(int fd, void *data, size_t size)
{
    union {
        char buffer[CMSG_SPACE(VHOST_MAX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;

    while (size) {
        struct iovec iov = { .iov_base = data, .iov_len = size };
        struct msghdr msg = {
            .msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        close_fds(&msg);
        data = (char *) data + n;
        size -= n;
    }
    return true;
}

/* Turns a request into its reply.  Returns false if it has none. */
static bool
answer(struct vhost_header *header, union vhost_payload *payload)
{
    switch (header->request) {
    case VHOST_GET_FEATURES:
        payload->u64 = (VHOST_F_MQ | VHOST_F_PROTOCOL_FEATURES
                        | VHOST_F_VERSION_1);
        break;

    case VHOST_GET_PROTOCOL_FEATURES:
        payload->u64 = VHOST_PROTOCOL_F_MQ;
        break;

    case VHOST_GET_QUEUE_NUM:
        payload->u64 = VHOST_MAX_QUEUES;
        break;

    case VHOST_GET_VRING_BASE:
        /* The index stays.  Nothing was ever taken from the ring. */
        payload->vring[1] = 0;
        break;

    default:
        return false;
    }
    header->flags = VHOST_VERSION | VHOST_REPLY;
    header->size = sizeof payload->u64;
    return true;
}

static void
serve(int fd)
{
    struct {
        struct vhost_header header;
        union vhost_payload payload;
    } __attribute__((packed)) msg;

    while (receive(fd, &msg.header, sizeof msg.header)) {
        struct vhost_header header = msg.header;
        union vhost_payload payload;

        if (header.size > sizeof payload
            || !receive(fd, &payload, header.size)) {
            break;
        }
        if (answer(&header, &payload)) {
            msg.header = header;
            msg.payload = payload;
            if (send(fd, &msg, sizeof header + header.size, MSG_NOSIGNAL)
                != (ssize_t) (sizeof header + header.size)) {
                break;
            }
        }
    }
}

static void *
backend_main(void *backend_)
{
    struct vmq_backend *backend = backend_;

    while (connect(backend->fd, (struct sockaddr *) &backend->address,
                   sizeof backend->address)) {
        struct timespec ms = { .tv_nsec = 1000 * 1000 };

        if (atomic_load(&backend->stop)) {
            return NULL;
        }
        nanosleep(&ms, NULL);
    }
    serve(backend->fd);

    /* Let the device see it, even if serve() gave up by itself. */
    shutdown(backend->fd, SHUT_RDWR);
    return NULL;
}

/* Starts a stand-in for the device that is about to listen on 'path'.  Returns
 * NULL, with errno set, if that fails. */
struct vmq_backend *
vmq_backend_start(const char *path)
{
    size_t size = strlen(path) + 1;
    struct vmq_backend *backend;
    int error;

    backend = calloc(1, sizeof *backend);
    if (!backend) {
        return NULL;
    }
    backend->address.sun_family = AF_UNIX;
    if (size > sizeof backend->address.sun_path) {
        free(backend);
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(backend->address.sun_path, path, size);
    atomic_init(&backend->stop, false);

    backend->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (backend->fd < 0) {
        error = errno;
        free(backend);
        errno = error;
        return NULL;
    }
    error = pthread_create(&backend->thread, NULL, backend_main, backend);
    if (error) {
        close(backend->fd);
        free(backend);
        errno = error;
        return NULL;
    }
    return backend;
}

/* Disconnects 'backend', waits for its thread and frees it.  NULL is ignored.
 */
void
vmq_backend_stop(struct vmq_backend *backend)
{
    if (backend) {
        atomic_store(&backend->stop, true);
        shutdown(backend->fd, SHUT_RDWR);
        pthread_join(backend->thread, NULL);
        close(backend->fd);
        free(backend);
    }
}

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
#include "vmq-sim-jobs.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "vmq-sim-args.h"
#include "vmq-util.h"

/* All runs, and the threads that take one after the other. */
struct crew {
    pthread_mutex_t mutex;      /* Protects 'next' and all 'done's. */
    struct sim_job *jobs;
    size_t n_jobs;
    size_t next;
    bool progress;
};

static void
report_progress(void *job_, double done)
{
    struct sim_job *job = job_;
    struct crew *crew = job->crew;
    double sum = 0;

    pthread_mutex_lock(&crew->mutex);
    job->done = done;
    for (size_t i = 0; i < crew->n_jobs; i++) {
        sum += crew->jobs[i].done;
    }
    fprintf(stderr, "\r%3.0f %% of %zu runs", sum * 100 / crew->n_jobs,
            crew->n_jobs);
    pthread_mutex_unlock(&crew->mutex);
}

static void *
work(void *crew_)
{
    struct crew *crew = crew_;

    for (;;) {
        struct sim_job *job = NULL;

        pthread_mutex_lock(&crew->mutex);
        if (crew->next < crew->n_jobs) {
            job = &crew->jobs[crew->next++];
        }
        pthread_mutex_unlock(&crew->mutex);
        if (!job) {
            return NULL;
        }
        sim_run(&job->options, job->policy,
                crew->progress ? report_progress : NULL, job, &job->result);
        if (crew->progress) {
            report_progress(job, 1);
        }
    }
}

void
sim_jobs_run(struct sim_job *jobs, size_t n_jobs, unsigned int n_threads)
{
    struct crew crew = {
        .jobs = jobs, .n_jobs = n_jobs, .progress = isatty(STDERR_FILENO)
    };
    long int n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t *threads;

    if (!n_threads) {
        n_threads = n_cpus > 0 ? n_cpus : 1;
    }
    if (n_threads > n_jobs) {
        n_threads = n_jobs;
    }
    for (size_t i = 0; i < n_jobs; i++) {
        jobs[i].crew = &crew;
    }
    pthread_mutex_init(&crew.mutex, NULL);
    threads = vmq_xcalloc(n_threads, sizeof *threads);
    for (unsigned int i = 0; i < n_threads; i++) {
        int error = pthread_create(&threads[i], NULL, work, &crew);

        if (error) {
            sim_fatal("cannot start a thread: %s", strerror(error));
        }
    }
    for (unsigned int i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
    }
    if (crew.progress) {
        fputs("\r                          \r", stderr);
    }
    pthread_mutex_destroy(&crew.mutex);
    free(threads);
}

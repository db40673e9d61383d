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
#include "vmq-view.h"

#include <stdlib.h>

#include "util.h"

static struct vmq_view *
vmq_view_create(const char *dp_name)
{
    struct vmq_view *view = xzalloc(sizeof *view);

    view->dp_name = xstrdup(dp_name);
    view->setting_errors = xcalloc(vmq_n_settings,
                                   sizeof *view->setting_errors);
    view->ledger = vmq_ledger_create();
    vmq_config_init(&view->config);
    vmq_snapshot_init(&view->raw);
    vmq_snapshot_init(&view->snapshot);
    vmq_plan_init(&view->plan);
    return view;
}

static void
vmq_view_destroy(struct vmq_view *view)
{
    for (size_t i = 0; i < vmq_n_settings; i++) {
        free(view->setting_errors[i]);
    }
    free(view->setting_errors);
    vmq_ledger_destroy(view->ledger);
    vmq_snapshot_destroy(&view->raw);
    vmq_snapshot_destroy(&view->snapshot);
    vmq_plan_destroy(&view->plan);
    free(CONST_CAST(char *, view->dp_name));
    free(view);
}

void
vmq_views_init(struct vmq_views *views, const char *dp_name)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovs_mutex_init(&views->mutex);
    views->dp_name = xstrdup(dp_name);
    views->next = vmq_view_create(dp_name);
    views->last = vmq_view_create(dp_name);
    views->withdrawn = true;
}

/* Nobody may have a view. */
void
vmq_views_destroy(struct vmq_views *views)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    vmq_view_destroy(views->next);
    vmq_view_destroy(views->last);
    free(views->dp_name);
    ovs_mutex_destroy(&views->mutex);
}

/* Has vmq_views_get() return what is in 'views->next', and begins another. */
void
vmq_views_publish(struct vmq_views *views)
{
    struct vmq_view *before;
    bool in_use;

    ovs_mutex_lock(&views->mutex);
    before = views->last;
    in_use = before->n_users > 0;
    views->last = views->next;
    views->withdrawn = false;
    ovs_mutex_unlock(&views->mutex);

    /* Nobody else can get it any more.  Who has it destroys it. */
    views->next = in_use ? vmq_view_create(views->dp_name) : before;
}

/* Has vmq_views_get() return nothing until another view is published. */
void
vmq_views_withdraw(struct vmq_views *views)
{
    ovs_mutex_lock(&views->mutex);
    views->withdrawn = true;
    ovs_mutex_unlock(&views->mutex);
}

static const struct vmq_view *
vmq_views_take(struct vmq_views *views)
    OVS_REQUIRES(views->mutex)
{
    views->last->n_users++;
    views->withdrawn = true;
    return views->last;
}

/* Returns the view published last, which the caller has to give back, or NULL
 * if it was withdrawn or somebody else has had it. */
const struct vmq_view *
vmq_views_get(struct vmq_views *views)
{
    const struct vmq_view *view = NULL;

    ovs_mutex_lock(&views->mutex);
    if (!views->withdrawn) {
        view = vmq_views_take(views);
    }
    ovs_mutex_unlock(&views->mutex);
    return view;
}

/* The same, but whatever has become of it.  For the engine, which knows that
 * it has just published it. */
const struct vmq_view *
vmq_views_get_last(struct vmq_views *views)
{
    const struct vmq_view *view;

    ovs_mutex_lock(&views->mutex);
    view = vmq_views_take(views);
    ovs_mutex_unlock(&views->mutex);
    return view;
}

/* Gives 'view' back, which may be null. */
void
vmq_views_put(struct vmq_views *views, const struct vmq_view *view_)
{
    struct vmq_view *view = CONST_CAST(struct vmq_view *, view_);
    bool destroy;

    if (view) {
        ovs_mutex_lock(&views->mutex);
        destroy = !--view->n_users && view != views->last;
        ovs_mutex_unlock(&views->mutex);
        if (destroy) {
            vmq_view_destroy(view);
        }
    }
}

/* Returns the view published last, withdrawn or not, an empty one if none was.
 * For the engine: it is good until the next one is published. */
const struct vmq_view *
vmq_views_last(const struct vmq_views *views)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    return views->last;
}

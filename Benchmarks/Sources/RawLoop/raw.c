#define _GNU_SOURCE
#include "raw.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>

// Asks for short turns of the scheduler (Linux 6.12 and newer), so that a thread is woken promptly after an fsync also
// while others keep the processors busy. It changes when threads of this process run, not how much.
__attribute__((constructor)) static void ask_for_short_turns(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes, .runtime = 100000};
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}
#endif

void check(sqlite3 *database, int result, const char *what) {
    if (result == SQLITE_OK) return;
    fprintf(stderr, "raw loop: %s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

void run(sqlite3 *database, const char *sql) { check(database, sqlite3_exec(database, sql, 0, 0, 0), sql); }

sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
    sqlite3_stmt *statement = NULL;
    check(database, sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, 0), sql);
    return statement;
}

bool step(sqlite3_stmt *statement) {
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) check(sqlite3_db_handle(statement), result, sqlite3_sql(statement));
    sqlite3_reset(statement);
    return false;
}

void finish(sqlite3_stmt *statement) {
    if (step(statement)) sqlite3_reset(statement);
}

int64_t number(sqlite3 *database, const char *sql) {
    sqlite3_stmt *statement = prepare(database, sql);
    int64_t value = step(statement) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return value;
}

int64_t microseconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15ull;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
    return mixed ^ mixed >> 31;
}

void make_id(raw_store *store, uint8_t id[16], int64_t microseconds) {
    uint64_t halves[2] = {next_random(&store->random), next_random(&store->random)};
    if (store->random_ids) {
        halves[0] = (halves[0] & ~0xF000ull) | 0x4000;
    } else {
        halves[0] = (uint64_t)(microseconds / 1000) << 16 | 0x7000 | (store->next & 0xFFF);
    }
    halves[1] = halves[1] >> 2 | 1ull << 63;
    for (int i = 0; i < 16; i++) id[i] = (uint8_t)(halves[i / 8] >> (56 - 8 * (i % 8)));
}

void raw_payload(uint8_t *out, uint64_t number) {
    static const char head[] = "{\"number\":1000000000,\"item\":\"espresso-machine\",\"quantity\":3,\"cents\":129900,"
                               "\"note\":\"";
    memset(out, 'x', raw_payload_bytes);
    memcpy(out, head, sizeof head - 1);
    for (int i = 19; i > 10; i--, number /= 10) out[i] = (uint8_t)('0' + number % 10);
    memcpy(out + raw_payload_bytes - 2, "\"}", 2);
}

static int count_log_pages(void *context, sqlite3 *database, const char *name, int pages) {
    (void)database, (void)name;
    *(int *)context = pages;
    return SQLITE_OK;
}

static raw_store *open_database(const char *path, raw_layout layout, int checkpoint_pages, bool random_ids) {
    raw_store *store = calloc(1, sizeof *store);
    store->layout = layout;
    store->random_ids = random_ids;
    store->checkpoint_pages = checkpoint_pages;
    store->random = (uint64_t)microseconds_now();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    check(store->database, sqlite3_open_v2(path, &store->database, flags, 0), path);
    run(store->database, "PRAGMA journal_mode = WAL");
    run(store->database, "PRAGMA synchronous = FULL");
    run(store->database, "PRAGMA cache_size = -65536");
    run(store->database, "PRAGMA temp_store = MEMORY");
    sqlite3_wal_hook(store->database, count_log_pages, &store->log_pages);
    store->begin = prepare(store->database, "BEGIN IMMEDIATE");
    store->commit = prepare(store->database, "COMMIT");
    return store;
}

raw_store *raw_create(const char *path, raw_layout layout, int checkpoint_pages, bool random_ids) {
    raw_store *store = open_database(path, layout, checkpoint_pages, random_ids);
    if (layout == raw_layout_store) {
        store_layout_create(store);
        store_layout_open(store);
    } else {
        plain_layout_create(store);
    }
    return store;
}

raw_store *raw_open(const char *path, int checkpoint_pages) {
    raw_store *store = open_database(path, raw_layout_store, checkpoint_pages, false);
    store_layout_open(store);
    return store;
}

void raw_close(raw_store *store) {
    sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_stmt *statement;
    while ((statement = sqlite3_next_stmt(store->database, NULL))) sqlite3_finalize(statement);
    sqlite3_close(store->database);
    free(store);
}

static void insert(raw_store *store, const raw_event *event) {
    if (store->layout == raw_layout_store) {
        store_layout_insert(store, event);
    } else {
        plain_layout_insert(store, event);
    }
}

static void end_transaction(raw_store *store) {
    if (store->layout == raw_layout_store) store_layout_settle(store);
    finish(store->commit);
}

static void checkpoint_if_due(raw_store *store) {
    if (store->log_pages < store->checkpoint_pages) return;
    sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->log_pages = 0;
}

void raw_append(raw_store *store, uint32_t count, uint32_t streams, bool tagged) {
    uint8_t payload[raw_payload_bytes];
    finish(store->begin);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t n = store->next;
        raw_event event = {.stream = (uint32_t)(n % streams), .tag_count = tagged ? 2 : 0, .payload = payload};
        event.tags[0] = tag_of_stream(event.stream);
        event.tags[1] = tag_of_customer((uint32_t)(n * 7919 % customers));
        raw_payload(payload, n);
        insert(store, &event);
    }
    end_transaction(store);
    checkpoint_if_due(store);
}

bool raw_append_unless(raw_store *store, uint32_t stream, uint32_t customer, uint64_t since) {
    uint8_t payload[raw_payload_bytes];
    raw_payload(payload, store->next);
    raw_event event = {.stream = stream, .tag_count = 2, .payload = payload};
    event.tags[0] = tag_of_stream(stream);
    event.tags[1] = tag_of_customer(customer);
    finish(store->begin);
    bool is_free = !store_layout_has_pair(store, stream, customer, since);
    if (is_free) insert(store, &event);
    end_transaction(store);
    checkpoint_if_due(store);
    return is_free;
}

// Group commit

typedef struct {
    uint32_t stream;
    uint8_t payload[raw_payload_bytes];
} request;

typedef struct {
    raw_store *store;
    pthread_mutex_t mutex;
    // Who waits for group n waits at n % 2: the members of the next group are not woken by the end of this one.
    pthread_cond_t done[2];
    request *queues[2];
    int count;
    uint64_t group;
    bool is_committing;
    double deadline;
} group_commit;

typedef struct {
    group_commit *commits;
    uint32_t stream;
    uint64_t appended;
} writer;

// Commits all that wait; the mutex is held before and after.
static void commit_group(group_commit *commits) {
    raw_store *store = commits->store;
    uint64_t group = commits->group++;
    request *queue = commits->queues[group % 2];
    int count = commits->count;
    commits->count = 0;
    commits->is_committing = true;
    pthread_mutex_unlock(&commits->mutex);
    finish(store->begin);
    for (int i = 0; i < count; i++) {
        raw_event event = {.stream = queue[i].stream, .payload = queue[i].payload};
        insert(store, &event);
    }
    end_transaction(store);
    checkpoint_if_due(store);
    pthread_mutex_lock(&commits->mutex);
    commits->is_committing = false;
    pthread_cond_broadcast(&commits->done[group % 2]);
    if (commits->count > 0) pthread_cond_signal(&commits->done[commits->group % 2]);
}

static void *write_until_deadline(void *context) {
    writer *writer = context;
    group_commit *commits = writer->commits;
    while (seconds_now() < commits->deadline) {
        uint8_t payload[raw_payload_bytes];
        raw_payload(payload, writer->appended);
        pthread_mutex_lock(&commits->mutex);
        uint64_t group = commits->group;
        request *request = &commits->queues[group % 2][commits->count++];
        request->stream = writer->stream;
        memcpy(request->payload, payload, sizeof payload);
        while (commits->group == group || (commits->group == group + 1 && commits->is_committing)) {
            if (commits->group == group && !commits->is_committing) {
                commit_group(commits);
            } else {
                pthread_cond_wait(&commits->done[group % 2], &commits->mutex);
            }
        }
        pthread_mutex_unlock(&commits->mutex);
        writer->appended++;
    }
    return NULL;
}

uint64_t raw_append_concurrently(raw_store *store, int writers, double seconds) {
    group_commit commits = {
        .store = store, .mutex = PTHREAD_MUTEX_INITIALIZER,
        .done = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER},
        .deadline = seconds_now() + seconds,
    };
    for (int i = 0; i < 2; i++) commits.queues[i] = calloc((size_t)writers, sizeof(request));
    pthread_t *threads = calloc((size_t)writers, sizeof *threads);
    writer *all = calloc((size_t)writers, sizeof *all);
    uint64_t appended = 0;
    for (int i = 0; i < writers; i++) {
        all[i] = (writer){.commits = &commits, .stream = (uint32_t)i};
        if (pthread_create(&threads[i], NULL, write_until_deadline, &all[i]) != 0) exit(1);
    }
    for (int i = 0; i < writers; i++) {
        pthread_join(threads[i], NULL);
        appended += all[i].appended;
    }
    for (int i = 0; i < 2; i++) free(commits.queues[i]);
    free(threads);
    free(all);
    return appended;
}

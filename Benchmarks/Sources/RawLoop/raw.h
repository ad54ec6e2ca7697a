// What the layouts share.
#ifndef RAW_H
#define RAW_H

#include "RawLoop.h"

#include <sqlite3.h>
#include <stddef.h>

/// The checksum of the store, linked from it.
uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count);

typedef struct {
    uint32_t stream;
    uint32_t tags[2];
    int tag_count;
    const uint8_t *payload;
} raw_event;

/// The index of the newest events: entries by position, each with the one before it in its bucket.
typedef struct {
    int64_t key, position;
    int32_t previous;
} raw_entry;

enum { tail_buckets = 1 << 15, tail_entries = 1 << 18 };

typedef struct {
    raw_entry entries[tail_entries], moving[tail_entries];
    int32_t newest[tail_buckets];
    int count, seen, moving_count, moved;
    int64_t start, moving_end;
} raw_tail;

enum { max_streams = 1 << 16, max_tags = 1 << 16, customers = 10000 };

struct raw_store {
    sqlite3 *database;
    raw_layout layout;
    bool random_ids;
    sqlite3_stmt *begin, *commit, *insert_event;
    int64_t position;
    uint64_t next;
    uint64_t random;
    int64_t revisions[max_streams];
    int log_pages, checkpoint_pages;
    // raw_layout_store
    sqlite3_stmt *insert_name, *find_name, *settle_one, *settle_many, *insert_mark, *find_key;
    sqlite3_stmt *entry_positions, *has_entry;
    int64_t last_name, category, type, streams[max_streams], tags[max_tags];
    raw_tail tail;
    // raw_layout_plain
    sqlite3_stmt *insert_stream, *insert_tag;
};

/// The tag of a stream, and the tag of a customer, as numbers below `max_tags`.
static inline uint32_t tag_of_stream(uint32_t stream) { return stream; }
static inline uint32_t tag_of_customer(uint32_t customer) { return 4096 + customer; }

void check(sqlite3 *database, int result, const char *what);
void run(sqlite3 *database, const char *sql);
int64_t number(sqlite3 *database, const char *sql);
sqlite3_stmt *prepare(sqlite3 *database, const char *sql);
bool step(sqlite3_stmt *statement);
void finish(sqlite3_stmt *statement);

/// A new id, big endian: version 7 or 4.
void make_id(raw_store *store, uint8_t id[16], int64_t microseconds);
int64_t microseconds_now(void);

void store_layout_create(raw_store *store);
void store_layout_open(raw_store *store);
void store_layout_insert(raw_store *store, const raw_event *event);
void store_layout_settle(raw_store *store);
bool store_layout_has_pair(raw_store *store, uint32_t stream, uint32_t customer, uint64_t since);

void plain_layout_create(raw_store *store);
void plain_layout_insert(raw_store *store, const raw_event *event);

#endif

// The layout of format 4 of the store; ids are hashed without a secret. This code follows Sources/SillokSQLite: Schema,
// EventInsertion, IndexTail, TailSettling.
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kind_stream, kind_category, kind_type, kind_tag };
enum { mark_interval = 256, tail_threshold = 131072, settling_slice = 512, settling_rows = 32 };

void store_layout_create(raw_store *store) {
    run(store->database,
        "CREATE TABLE names (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text BLOB NOT NULL,"
        " category INTEGER NOT NULL, crc INTEGER NOT NULL, UNIQUE (kind, text)) STRICT;"
        "CREATE TABLE events (position INTEGER PRIMARY KEY, id BLOB NOT NULL, stream INTEGER NOT NULL,"
        " revision INTEGER NOT NULL, type INTEGER NOT NULL, recorded INTEGER NOT NULL, content INTEGER NOT NULL,"
        " source INTEGER NOT NULL, tracked INTEGER NOT NULL, crc INTEGER NOT NULL, tags BLOB NOT NULL,"
        " metadata BLOB NOT NULL, payload BLOB NOT NULL) STRICT;"
        "CREATE TABLE entries (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position))"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE marks (stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL,"
        " PRIMARY KEY (stream, revision)) STRICT, WITHOUT ROWID;");
}

static uint64_t mix(uint64_t value) {
    uint64_t mixed = value + 0x9E3779B97F4A7C15ull;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
    return mixed ^ mixed >> 31;
}

static int32_t *bucket(raw_tail *tail, int64_t key) { return &tail->newest[mix((uint64_t)key) & (tail_buckets - 1)]; }

static void tail_add(raw_tail *tail, int64_t key, int64_t position) {
    if (tail->count == tail_entries) {
        fprintf(stderr, "raw loop: the tail is full\n");
        exit(1);
    }
    int32_t *newest = bucket(tail, key);
    tail->entries[tail->count] = (raw_entry){key, position, *newest};
    *newest = tail->count++;
}

// Lets go of the entries up to a position.
static void tail_forget(raw_tail *tail, int64_t position) {
    int count = tail->count;
    tail->count = 0;
    tail->start = position;
    memset(tail->newest, -1, sizeof tail->newest);
    for (int i = 0; i < count; i++) {
        raw_entry entry = tail->entries[i];
        if (entry.position > position) tail_add(tail, entry.key, entry.position);
    }
}

// The next entry of a key from an index on, newest first; −1 if there is none.
static int32_t tail_find(raw_tail *tail, int64_t key, int32_t from) {
    while (from >= 0 && tail->entries[from].key != key) from = tail->entries[from].previous;
    return from;
}

static bool tail_has(raw_tail *tail, int64_t key, int64_t position) {
    int32_t at = *bucket(tail, key);
    while ((at = tail_find(tail, key, at)) >= 0 && tail->entries[at].position > position) at = tail->entries[at].previous;
    return at >= 0 && tail->entries[at].position == position;
}

static int64_t id_key(const uint8_t id[16], bool is_random) {
    uint64_t high = 0, low = 0;
    for (int i = 0; i < 8; i++) high = high << 8 | id[i], low = low << 8 | id[i + 8];
    uint64_t mixed = mix(high ^ mix(low));
    return is_random ? (int64_t)(1ull << 62 | mixed >> 2) : (int64_t)((high >> 16) << 20 | mixed >> 44);
}

// The number of a name, which is added if it is new.
static int64_t intern(raw_store *store, int kind, const char *text, int64_t category) {
    int length = (int)strlen(text);
    sqlite3_bind_int64(store->find_name, 1, kind);
    sqlite3_bind_blob(store->find_name, 2, text, length, SQLITE_STATIC);
    if (step(store->find_name)) {
        int64_t found = sqlite3_column_int64(store->find_name, 0);
        sqlite3_reset(store->find_name);
        return found;
    }
    int64_t number = ++store->last_name;
    int64_t head[3] = {number, kind, category};
    uint32_t crc = sillok_crc32c(sillok_crc32c(0, head, sizeof head), text, (size_t)length);
    sqlite3_bind_int64(store->insert_name, 1, number);
    sqlite3_bind_int64(store->insert_name, 2, kind);
    sqlite3_bind_blob(store->insert_name, 3, text, length, SQLITE_STATIC);
    sqlite3_bind_int64(store->insert_name, 4, category);
    sqlite3_bind_int64(store->insert_name, 5, crc);
    finish(store->insert_name);
    return number;
}

static int64_t stream_number(raw_store *store, uint32_t stream) {
    if (store->streams[stream] == 0) {
        char text[32];
        snprintf(text, sizeof text, "order-%u", stream);
        if (store->category == 0) store->category = intern(store, kind_category, "order", 0);
        store->streams[stream] = intern(store, kind_stream, text, store->category);
    }
    return store->streams[stream];
}

static int64_t tag_number(raw_store *store, uint32_t tag) {
    if (store->tags[tag] == 0) {
        char text[32];
        uint32_t first = tag_of_customer(0);
        snprintf(text, sizeof text, tag < first ? "order:%u" : "customer:%u", tag < first ? tag : tag - first);
        store->tags[tag] = intern(store, kind_tag, text, 0);
    }
    return store->tags[tag];
}

// The entries of the events that `entries` does not have yet: none, unless the store itself has written the file.
static void load_tail(raw_store *store) {
    sqlite3 *database = store->database;
    bool is_ours = number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'store'") == 0;
    const char *indexed = "SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM store WHERE key = 'indexed'";
    store->tail.count = store->tail.moving_count = 0;
    tail_forget(&store->tail, is_ours ? store->position : number(database, indexed));
    sqlite3_stmt *newest = prepare(
        database,
        "SELECT e.position, e.id, e.type, e.tags, e.stream, n.category FROM events e"
        " LEFT JOIN names n ON n.id = e.stream WHERE e.position > ?1 ORDER BY e.position");
    sqlite3_bind_int64(newest, 1, store->tail.start);
    while (step(newest)) {
        int64_t position = sqlite3_column_int64(newest, 0), stream = sqlite3_column_int64(newest, 4);
        const uint8_t *id = sqlite3_column_blob(newest, 1), *tags = sqlite3_column_blob(newest, 3);
        int tag_bytes = sqlite3_column_bytes(newest, 3);
        tail_add(&store->tail, id_key(id, (id[6] >> 4) != 7), position);
        tail_add(&store->tail, -sqlite3_column_int64(newest, 2), position);
        uint64_t tag = 0;
        for (int i = 0, shift = 0; i < tag_bytes; i++, shift += 7) {
            tag |= (uint64_t)(tags[i] & 0x7f) << shift;
            if (tags[i] >= 0x80) continue;
            tail_add(&store->tail, -(int64_t)tag, position);
            tag = 0, shift = -7;
        }
        if (stream == 0) continue;
        tail_add(&store->tail, -stream, position);
        tail_add(&store->tail, -sqlite3_column_int64(newest, 5), position);
    }
    sqlite3_finalize(newest);
    store->tail.seen = store->tail.count;
}

// An opened database: the revision of a stream is looked up at the first write to it.
void store_layout_open(raw_store *store) {
    sqlite3 *database = store->database;
    store->insert_event = prepare(database, "INSERT INTO events VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)");
    store->insert_name = prepare(database, "INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?5)");
    store->find_name = prepare(database, "SELECT id FROM names WHERE kind = ?1 AND text = ?2");
    char many[512] = "INSERT OR IGNORE INTO entries VALUES (?, ?)";
    store->settle_one = prepare(database, many);
    for (int i = 1; i < settling_rows; i++) strcat(many, ", (?, ?)");
    store->settle_many = prepare(database, many);
    store->insert_mark = prepare(database, "INSERT OR REPLACE INTO marks VALUES (?1, ?2, ?3)");
    store->find_key = prepare(database, "SELECT position FROM entries WHERE key = ?1 AND position <= ?2");
    store->entry_positions = prepare(
        database, "SELECT position FROM entries WHERE key = ?1 AND position > ?2 AND position <= ?3 ORDER BY position");
    store->has_entry = prepare(database, "SELECT 1 FROM entries WHERE key = ?1 AND position = ?2");
    store->last_name = number(database, "SELECT max(id) FROM names");
    store->position = number(database, "SELECT max(position) FROM events");
    store->next = (uint64_t)store->position;
    load_tail(store);
    for (int i = 0; i < max_streams; i++) store->revisions[i] = store->position;
}

// An id that is not ordered by time may be known.
static void expect_new(raw_store *store, int64_t key) {
    sqlite3_bind_int64(store->find_key, 1, key);
    sqlite3_bind_int64(store->find_key, 2, store->tail.start);
    if (!step(store->find_key) && tail_find(&store->tail, key, *bucket(&store->tail, key)) < 0) return;
    fprintf(stderr, "raw loop: an id came twice\n");
    exit(1);
}

void store_layout_insert(raw_store *store, const raw_event *event) {
    if (store->type == 0) store->type = intern(store, kind_type, "lineAdded", 0);
    int64_t now = microseconds_now(), stream = stream_number(store, event->stream);
    uint8_t id[16], tags[20];
    make_id(store, id, now);
    int64_t key = id_key(id, store->random_ids);
    if (store->random_ids) expect_new(store, key);
    int tag_bytes = 0;
    int64_t tag_numbers[2];
    for (int i = 0; i < event->tag_count; i++) {
        uint64_t rest = (uint64_t)(tag_numbers[i] = tag_number(store, event->tags[i]));
        for (; rest >= 0x80; rest >>= 7) tags[tag_bytes++] = (uint8_t)(rest | 0x80);
        tags[tag_bytes++] = (uint8_t)rest;
    }
    store->next++;
    int64_t position = ++store->position, revision = ++store->revisions[event->stream];
    uint64_t high, low;
    memcpy(&high, id, 8), memcpy(&low, id + 8, 8);
    int64_t numbers[13] = {
        position, (int64_t)__builtin_bswap64(high), (int64_t)__builtin_bswap64(low), stream, revision, store->type, now,
        0, 0, 0, tag_bytes, 0, raw_payload_bytes,
    };
    uint32_t crc = sillok_crc32c(0, numbers, sizeof numbers);
    crc = sillok_crc32c(sillok_crc32c(crc, tags, (size_t)tag_bytes), event->payload, raw_payload_bytes);

    sqlite3_stmt *row = store->insert_event;
    sqlite3_bind_int64(row, 1, position);
    sqlite3_bind_blob(row, 2, id, 16, SQLITE_STATIC);
    for (int i = 3; i < 10; i++) sqlite3_bind_int64(row, i, numbers[i]);
    sqlite3_bind_int64(row, 10, crc);
    sqlite3_bind_blob(row, 11, tags, tag_bytes, SQLITE_STATIC);
    sqlite3_bind_zeroblob(row, 12, 0);
    sqlite3_bind_blob(row, 13, event->payload, raw_payload_bytes, SQLITE_STATIC);
    finish(row);

    tail_add(&store->tail, key, position);
    tail_add(&store->tail, -store->type, position);
    for (int i = 0; i < event->tag_count; i++) tail_add(&store->tail, -tag_numbers[i], position);
    tail_add(&store->tail, -stream, position);
    tail_add(&store->tail, -store->category, position);
    if (revision % mark_interval == 0) {
        sqlite3_bind_int64(store->insert_mark, 1, stream);
        sqlite3_bind_int64(store->insert_mark, 2, revision);
        sqlite3_bind_int64(store->insert_mark, 3, position);
        finish(store->insert_mark);
    }
}

static int by_key(const void *left, const void *right) {
    const raw_entry *a = left, *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

static void bind_entry(sqlite3_stmt *statement, int row, raw_entry entry) {
    sqlite3_bind_int64(statement, 2 * row + 1, entry.key);
    sqlite3_bind_int64(statement, 2 * row + 2, entry.position);
}

// Moves a slice of the tail, when it has become long: three times what was added.
void store_layout_settle(raw_store *store) {
    raw_tail *tail = &store->tail;
    int amount = 3 * (tail->count - tail->seen);
    if (amount < settling_slice) amount = settling_slice;
    if (tail->moving_count == 0 && tail->count >= tail_threshold) {
        memcpy(tail->moving, tail->entries, sizeof(raw_entry) * (size_t)tail->count);
        qsort(tail->moving, (size_t)tail->count, sizeof(raw_entry), by_key);
        tail->moving_count = tail->count;
        tail->moved = 0;
        tail->moving_end = store->position;
    }
    if (tail->moving_count > 0) {
        int end = tail->moved + amount < tail->moving_count ? tail->moved + amount : tail->moving_count;
        while (tail->moved < end) {
            bool is_many = end - tail->moved >= settling_rows;
            sqlite3_stmt *statement = is_many ? store->settle_many : store->settle_one;
            int rows = is_many ? settling_rows : 1;
            for (int row = 0; row < rows; row++) bind_entry(statement, row, tail->moving[tail->moved + row]);
            finish(statement);
            tail->moved += rows;
        }
        if (tail->moved == tail->moving_count) {
            tail_forget(tail, tail->moving_end);
            tail->moving_count = 0;
        }
    }
    tail->seen = tail->count;
}

static bool has_both(raw_store *store, int64_t key, int64_t position) {
    if (position > store->tail.start) return tail_has(&store->tail, key, position);
    sqlite3_bind_int64(store->has_entry, 1, key);
    sqlite3_bind_int64(store->has_entry, 2, position);
    bool is_there = step(store->has_entry);
    if (is_there) sqlite3_reset(store->has_entry);
    return is_there;
}

bool store_layout_has_pair(raw_store *store, uint32_t stream, uint32_t customer, uint64_t since) {
    int64_t rare = -tag_number(store, tag_of_customer(customer)), other = -tag_number(store, tag_of_stream(stream));
    sqlite3_bind_int64(store->entry_positions, 1, rare);
    sqlite3_bind_int64(store->entry_positions, 2, (int64_t)since);
    sqlite3_bind_int64(store->entry_positions, 3, store->tail.start);
    while (step(store->entry_positions)) {
        if (!has_both(store, other, sqlite3_column_int64(store->entry_positions, 0))) continue;
        sqlite3_reset(store->entry_positions);
        return true;
    }
    int32_t at = *bucket(&store->tail, rare);
    while ((at = tail_find(&store->tail, rare, at)) >= 0 && store->tail.entries[at].position > (int64_t)since) {
        if (has_both(store, other, store->tail.entries[at].position)) return true;
        at = store->tail.entries[at].previous;
    }
    return false;
}

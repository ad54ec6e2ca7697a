// Format 1 of the store. What stands here follows Sources/SillokSQLite: Schema, EventInsertion, Sweep.
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kind_stream, kind_category, kind_type, kind_tag };
enum { mark_interval = 256, sweep_threshold = 160000, sweep_slice = 8192 };

void store_layout_create(raw_store *store) {
    run(store->database,
        "CREATE TABLE names (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, text BLOB NOT NULL,"
        " category INTEGER NOT NULL, crc INTEGER NOT NULL, UNIQUE (kind, text)) STRICT;"
        "CREATE TABLE events (position INTEGER PRIMARY KEY, id BLOB NOT NULL, stream INTEGER NOT NULL,"
        " revision INTEGER NOT NULL, type INTEGER NOT NULL, recorded INTEGER NOT NULL, content INTEGER NOT NULL,"
        " source INTEGER NOT NULL, tracked INTEGER NOT NULL, crc INTEGER NOT NULL, tags BLOB NOT NULL,"
        " metadata BLOB NOT NULL, payload BLOB NOT NULL) STRICT;"
        "CREATE TABLE recent (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position))"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE settled (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position))"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE marks (stream INTEGER NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL,"
        " PRIMARY KEY (stream, revision)) STRICT, WITHOUT ROWID;");
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

// An opened database: every revision is looked up anew when its stream is first written to.
void store_layout_open(raw_store *store) {
    sqlite3 *database = store->database;
    store->insert_event = prepare(database, "INSERT INTO events VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)");
    store->insert_name = prepare(database, "INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?5)");
    store->find_name = prepare(database, "SELECT id FROM names WHERE kind = ?1 AND text = ?2");
    store->insert_recent = prepare(database, "INSERT INTO recent VALUES (?1, ?2)");
    store->insert_settled = prepare(database, "INSERT INTO settled VALUES (?1, ?2)");
    store->insert_mark = prepare(database, "INSERT OR REPLACE INTO marks VALUES (?1, ?2, ?3)");
    store->find_id[0] = prepare(database, "SELECT position FROM settled WHERE key = ?1");
    store->find_id[1] = prepare(database, "SELECT position FROM recent WHERE key = ?1");
    store->slice_end = prepare(
        database,
        "SELECT key, position FROM recent WHERE (key, position) > (?1, ?2) ORDER BY key, position LIMIT 1 OFFSET 8191");
    store->slice_move = prepare(
        database,
        "INSERT INTO settled SELECT key, position FROM recent"
        " WHERE (key, position) > (?1, ?2) AND (key, position) <= (?3, ?4) ORDER BY key, position");
    store->slice_delete = prepare(
        database, "DELETE FROM recent WHERE (key, position) > (?1, ?2) AND (key, position) <= (?3, ?4)");
    store->find_pair = prepare(
        database,
        "SELECT 1 FROM (SELECT position AS p FROM settled WHERE key = ?1 AND position > ?3"
        " UNION ALL SELECT position FROM recent WHERE key = ?1 AND position > ?3)"
        " WHERE EXISTS (SELECT 1 FROM settled WHERE key = ?2 AND position = p)"
        " OR EXISTS (SELECT 1 FROM recent WHERE key = ?2 AND position = p) LIMIT 1");
    store->last_name = number(database, "SELECT max(id) FROM names");
    store->position = number(database, "SELECT max(position) FROM events");
    store->next = (uint64_t)store->position;
    store->recent_count = number(database, "SELECT count(*) FROM recent");
    store->sweep_key = store->sweep_position = INT64_MIN;
    for (int i = 0; i < max_streams; i++) store->revisions[i] = store->position;
}

static uint64_t mix(uint64_t value) {
    uint64_t mixed = value + 0x9E3779B97F4A7C15ull;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBull;
    return mixed ^ mixed >> 31;
}

static int64_t id_key(const uint8_t id[16], bool is_random) {
    uint64_t high = 0, low = 0;
    for (int i = 0; i < 8; i++) high = high << 8 | id[i], low = low << 8 | id[i + 8];
    uint64_t mixed = mix(high ^ mix(low));
    return is_random ? (int64_t)(1ull << 62 | mixed >> 2) : (int64_t)((high >> 16) << 20 | mixed >> 44);
}

static void insert_key(sqlite3_stmt *statement, int64_t key, int64_t position) {
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_int64(statement, 2, position);
    finish(statement);
}

static void insert_recent(raw_store *store, int64_t key) {
    insert_key(store->insert_recent, key, store->position);
    store->recent_count++;
}

// An id that is not ordered by time may be known: both halves of the index are asked.
static void expect_new(raw_store *store, int64_t key) {
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_int64(store->find_id[i], 1, key);
        if (!step(store->find_id[i])) continue;
        fprintf(stderr, "raw loop: an id came twice\n");
        exit(1);
    }
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

    if (store->random_ids) {
        insert_recent(store, key);
    } else {
        insert_key(store->insert_settled, key, position);
    }
    insert_recent(store, -store->type);
    for (int i = 0; i < event->tag_count; i++) insert_recent(store, -tag_numbers[i]);
    insert_recent(store, -stream);
    insert_recent(store, -store->category);
    if (revision % mark_interval == 0) {
        sqlite3_bind_int64(store->insert_mark, 1, stream);
        sqlite3_bind_int64(store->insert_mark, 2, revision);
        sqlite3_bind_int64(store->insert_mark, 3, position);
        finish(store->insert_mark);
    }
}

static void move_slice(raw_store *store) {
    sqlite3_bind_int64(store->slice_end, 1, store->sweep_key);
    sqlite3_bind_int64(store->slice_end, 2, store->sweep_position);
    int64_t key = INT64_MAX, position = INT64_MAX;
    bool is_inside = step(store->slice_end);
    if (is_inside) {
        key = sqlite3_column_int64(store->slice_end, 0);
        position = sqlite3_column_int64(store->slice_end, 1);
        sqlite3_reset(store->slice_end);
    }
    sqlite3_stmt *moves[2] = {store->slice_move, store->slice_delete};
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_int64(moves[i], 1, store->sweep_key);
        sqlite3_bind_int64(moves[i], 2, store->sweep_position);
        sqlite3_bind_int64(moves[i], 3, key);
        sqlite3_bind_int64(moves[i], 4, position);
        finish(moves[i]);
    }
    if (is_inside) {
        store->recent_count -= sweep_slice;
        store->sweep_key = key, store->sweep_position = position;
    } else {
        store->recent_count = number(store->database, "SELECT count(*) FROM recent");
        store->sweep_key = store->sweep_position = INT64_MIN;
    }
}

void store_layout_sweep(raw_store *store) {
    while (store->recent_count > sweep_threshold) move_slice(store);
}

bool store_layout_has_pair(raw_store *store, uint32_t stream, uint32_t customer, uint64_t since) {
    sqlite3_bind_int64(store->find_pair, 1, -tag_number(store, tag_of_customer(customer)));
    sqlite3_bind_int64(store->find_pair, 2, -tag_number(store, tag_of_stream(stream)));
    sqlite3_bind_int64(store->find_pair, 3, (int64_t)since);
    bool is_found = step(store->find_pair);
    if (is_found) sqlite3_reset(store->find_pair);
    return is_found;
}

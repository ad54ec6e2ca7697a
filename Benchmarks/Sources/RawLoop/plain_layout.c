// The layout that one writes first: each index is a B-tree in which every event lands on a page of its own.
#include "raw.h"

#include <stdio.h>

void plain_layout_create(raw_store *store) {
    run(store->database,
        "CREATE TABLE streams (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL);"
        "CREATE TABLE events (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, version INTEGER NOT NULL,"
        " id BLOB NOT NULL, type INTEGER NOT NULL, payload BLOB NOT NULL, metadata BLOB, recorded INTEGER NOT NULL,"
        " UNIQUE (stream, version));"
        "CREATE TABLE event_tags (tag INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (tag, position))"
        " WITHOUT ROWID;");
    store->insert_event = prepare(store->database, "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    store->insert_stream = prepare(
        store->database,
        "INSERT INTO streams VALUES (?1, ?2, ?3) ON CONFLICT (number) DO UPDATE SET head = excluded.head");
    store->insert_tag = prepare(store->database, "INSERT INTO event_tags VALUES (?1, ?2)");
}

void plain_layout_insert(raw_store *store, const raw_event *event) {
    char name[32];
    int length = snprintf(name, sizeof name, "order-%u", event->stream);
    int64_t now = microseconds_now();
    uint8_t id[16];
    make_id(store, id, now);
    store->next++;
    int64_t position = ++store->position, version = ++store->revisions[event->stream];

    sqlite3_stmt *row = store->insert_event;
    sqlite3_bind_int64(row, 1, position);
    sqlite3_bind_int64(row, 2, event->stream + 1);
    sqlite3_bind_int64(row, 3, version);
    sqlite3_bind_blob(row, 4, id, 16, SQLITE_STATIC);
    sqlite3_bind_int64(row, 5, 3);
    sqlite3_bind_blob(row, 6, event->payload, raw_payload_bytes, SQLITE_STATIC);
    sqlite3_bind_null(row, 7);
    sqlite3_bind_int64(row, 8, now);
    finish(row);

    sqlite3_bind_int64(store->insert_stream, 1, event->stream + 1);
    sqlite3_bind_text(store->insert_stream, 2, name, length, SQLITE_STATIC);
    sqlite3_bind_int64(store->insert_stream, 3, version);
    finish(store->insert_stream);

    for (int i = 0; i < event->tag_count; i++) {
        sqlite3_bind_int64(store->insert_tag, 1, event->tags[i] + 1);
        sqlite3_bind_int64(store->insert_tag, 2, position);
        finish(store->insert_tag);
    }
}

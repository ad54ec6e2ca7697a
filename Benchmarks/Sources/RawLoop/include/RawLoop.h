// The yardstick: the plainest loops of prepared statements that do the same work as the store, without anything of
// Swift. What the store costs beyond these is its own doing.
#ifndef RAW_LOOP_H
#define RAW_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum { raw_payload_bytes = 256 };

/// The payload of event `number`: 256 bytes of JSON.
void raw_payload(uint8_t *out, uint64_t number);

/// How the tables are laid out.
typedef enum {
    /// The tables of format 1 of the store: the same rows, index entries, checksums, sweeps and checkpoints.
    raw_layout_store,
    /// What one writes first: streams with their heads, events unique by stream and version, a table of tags.
    raw_layout_plain,
} raw_layout;

typedef struct raw_store raw_store;

/// Makes a database in WAL mode with `synchronous = FULL`. Ends the process when something fails, as all others do.
raw_store *raw_create(const char *path, raw_layout layout, int checkpoint_pages, bool random_ids);

/// Opens an existing database of the store's layout, to continue it.
raw_store *raw_open(const char *path, int checkpoint_pages);

void raw_close(raw_store *store);

/// One transaction with `count` events, scattered over `streams`; `tagged`: with two tags each.
void raw_append(raw_store *store, uint32_t count, uint32_t streams, bool tagged);

/// Writers that append one event at a time, each to its own stream, for `seconds`. If no writer is committing, the next
/// one commits all waiting appends (group commit). Returns the number of events.
uint64_t raw_append_concurrently(raw_store *store, int writers, double seconds);

/// One transaction: an event with two tags, unless an event after `since` carries both of them. Returns whether it was
/// appended.
bool raw_append_unless(raw_store *store, uint32_t stream, uint32_t customer, uint64_t since);

/// How a row is read.
typedef enum {
    /// Every column is read where SQLite holds it.
    raw_touch,
    /// Every column is copied into memory of its own, in pages of a thousand events.
    raw_own,
} raw_reading;

/// Opens a database and holds a snapshot of it, like a reader in the middle of a query.
void *raw_snapshot_begin(const char *path);

/// Lets go of a snapshot.
void raw_snapshot_end(void *snapshot);

typedef struct raw_reader raw_reader;

/// Opens a database of the store's layout for reading.
raw_reader *raw_reader_open(const char *path);

void raw_reader_close(raw_reader *reader);

/// Reads every event in the order of the log. Returns how many.
uint64_t raw_scan(raw_reader *reader, raw_reading reading);

/// Reads the events of a stream. Returns how many.
uint64_t raw_read_stream(raw_reader *reader, const char *stream, raw_reading reading);

/// A read model of balances in a database of its own: `count` updates of scattered accounts in transactions of `batch`,
/// each with its checkpoint.
void raw_balances(const char *path, uint32_t count, uint32_t accounts, uint32_t batch);

#endif

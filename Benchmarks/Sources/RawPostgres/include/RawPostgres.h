// What PostgreSQL allows through libpq: the yardstick. Tables have the columns and indexes of the store's.
#pragma once

/// Makes an empty table `raw_events` like `schema.events`, whose positions come from a sequence. 0: it worked.
int raw_postgres_create(const char *connection, const char *schema);

/// Appends for `seconds` on `clients` connections, with `batch` rows in each INSERT and transaction. Returns the number
/// of rows, or -1 after a failure.
long raw_postgres_append(const char *connection, int clients, int batch, double seconds);

/// Reads `schema.events` in the order of positions, in pages of 1,000 rows, as bytes. Answers the rows; -1: failed.
long raw_postgres_scan(const char *connection, const char *schema);

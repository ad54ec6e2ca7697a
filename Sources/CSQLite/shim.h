// What Swift cannot call directly of SQLite's C interface: a variadic function and two pointer constants.
#ifndef SILLOK_CSQLITE_SHIM_H
#define SILLOK_CSQLITE_SHIM_H

#include <sqlite3.h>

/// Keeps a connection from running a checkpoint when it is closed.
static inline int sillok_no_checkpoint_on_close(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/// Binds bytes that stay valid until the statement is stepped and reset.
static inline int sillok_bind_blob_static(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_STATIC);
}

/// Binds bytes that SQLite copies.
static inline int sillok_bind_blob_copied(sqlite3_stmt *statement, int index, const void *bytes, int count) {
    return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Binds bytes of any number that SQLite copies.
static inline int sillok_bind_long_blob_copied(
    sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

/// Binds UTF-8 text that SQLite copies.
static inline int sillok_bind_text_copied(
    sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/// Binds UTF-8 text that stays valid until the statement is stepped and reset.
static inline int sillok_bind_text_static(
    sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_STATIC, SQLITE_UTF8);
}

#endif

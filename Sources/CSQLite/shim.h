// What Swift cannot call directly of SQLite's C interface: variadic functions, pointer constants, methods of a file. And what
// all readers of SQLite files share: a look at a file that changes nothing.
#ifndef SILLOK_CSQLITE_SHIM_H
#define SILLOK_CSQLITE_SHIM_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

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

/// Takes SQLite's RESERVED lock on the database file itself, which the connection holds until it is closed. In WAL mode SQLite
/// uses this lock for nothing else. Connections to the file exclude each other by it, also if they were opened by different
/// paths, within a process and between processes. SQLITE_BUSY if another one holds it.
static inline int sillok_reserve_file(sqlite3 *database) {
    sqlite3_file *file = 0;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (file == 0 || file->pMethods == 0) return SQLITE_NOTFOUND;
    code = file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
    return code == SQLITE_OK ? file->pMethods->xLock(file, SQLITE_LOCK_RESERVED) : code;
}

/// Whether the path of the database leads to another file by now than the one that was opened, or to none.
static inline int sillok_has_moved(sqlite3 *database) {
    int moved = 0;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

/// What a database file says about itself.
typedef struct {
    /// SQLITE_OK, or why it cannot be read as a database.
    int code;
    sqlite3_int64 application_id, user_version, tables;
    /// The version of the tables of a read model; 0 without them.
    sqlite3_int64 read_model;
} sillok_probe_result;

static inline sqlite3_int64 sillok_number(sqlite3 *database, const char *sql, int *code) {
    sqlite3_stmt *statement = 0;
    sqlite3_int64 number = 0;
    if (*code != SQLITE_OK) return 0;
    *code = sqlite3_prepare_v2(database, sql, -1, &statement, 0);
    if (*code == SQLITE_OK) {
        int step = sqlite3_step(statement);
        if (step == SQLITE_ROW) number = sqlite3_column_int64(statement, 0);
        if (step != SQLITE_ROW && step != SQLITE_DONE) *code = step;
    }
    sqlite3_finalize(statement);
    return number;
}

/// Reads what a database file says about itself. Takes no lock, changes nothing and leaves nothing next to the file; what is in its
/// write-ahead log is not looked at.
static inline sillok_probe_result sillok_probe(const char *path) {
    sillok_probe_result result = {SQLITE_OK, 0, 0, 0, 0};
    sqlite3 *database = 0;
    size_t length = strlen(path);
    char *uri = sqlite3_malloc64(3 * (sqlite3_uint64)length + 64), *end = uri;
    if (uri == 0) {
        result.code = SQLITE_NOMEM;
        return result;
    }
    end += sprintf(end, "file:");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)path[i];
        int is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       byte == '/' || byte == '.' || byte == '-' || byte == '_';
        end += is_plain ? sprintf(end, "%c", byte) : sprintf(end, "%%%02X", byte);
    }
    sprintf(end, "?immutable=1");
    result.code = sqlite3_open_v2(uri, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, 0);
    result.application_id = sillok_number(database, "PRAGMA application_id", &result.code);
    result.user_version = sillok_number(database, "PRAGMA user_version", &result.code);
    result.tables = sillok_number(database, "SELECT count(*) FROM sqlite_schema", &result.code);
    if (sillok_number(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'sillok_format'", &result.code) > 0)
        result.read_model = sillok_number(database, "SELECT max(version) FROM sillok_format", &result.code);
    sqlite3_close(database);
    sqlite3_free(uri);
    return result;
}

#endif

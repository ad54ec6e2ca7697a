#include "raw.h"

#include <stdio.h>
#include <string.h>

static void begin_tables(sqlite3 *database, uint32_t accounts) {
    run(database, "PRAGMA journal_mode = WAL");
    run(database, "PRAGMA synchronous = NORMAL");
    run(database, "PRAGMA wal_autocheckpoint = 8000");
    run(database, "PRAGMA cache_size = -32768");
    run(database, "CREATE TABLE account_balance (account TEXT PRIMARY KEY, owner TEXT NOT NULL, cents INTEGER NOT NULL,"
                  " is_open INTEGER NOT NULL)");
    run(database, "CREATE TABLE checkpoint (position INTEGER NOT NULL)");
    run(database, "INSERT INTO checkpoint VALUES (0)");
    sqlite3_stmt *insert = prepare(database, "INSERT INTO account_balance VALUES (?1, ?1, 0, 1)");
    run(database, "BEGIN IMMEDIATE");
    for (uint32_t account = 0; account < accounts; account++) {
        char name[32];
        int length = snprintf(name, sizeof name, "account-%u", account);
        sqlite3_bind_text(insert, 1, name, length, SQLITE_STATIC);
        finish(insert);
    }
    run(database, "COMMIT");
    sqlite3_finalize(insert);
}

void raw_balances(const char *path, uint32_t count, uint32_t accounts, uint32_t batch) {
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    check(database, sqlite3_open_v2(path, &database, flags, 0), path);
    begin_tables(database, accounts);
    sqlite3_stmt *begin = prepare(database, "BEGIN IMMEDIATE"), *commit = prepare(database, "COMMIT");
    sqlite3_stmt *update = prepare(database, "UPDATE account_balance SET cents = cents + ?1 WHERE account = ?2");
    sqlite3_stmt *move = prepare(database, "UPDATE checkpoint SET position = ?1");
    for (uint32_t from = 0; from < count; from += batch) {
        finish(begin);
        for (uint32_t event = from; event < from + batch && event < count; event++) {
            char name[32];
            int length = snprintf(name, sizeof name, "account-%u", event * 7919u % accounts);
            sqlite3_bind_int64(update, 1, event % 3 == 0 ? -50 : 100);
            sqlite3_bind_text(update, 2, name, length, SQLITE_STATIC);
            finish(update);
        }
        sqlite3_bind_int64(move, 1, from + batch);
        finish(move);
        finish(commit);
    }
    sqlite3_stmt *all[] = {begin, commit, update, move};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
    sqlite3_close(database);
}

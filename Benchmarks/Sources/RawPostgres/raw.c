#include "RawPostgres.h"

#include <postgresql/libpq-fe.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { payload_bytes = 256, columns = 6, page = 1000 };

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static PGconn *connect_to(const char *text) {
    PGconn *connection = PQconnectdb(text);
    if (PQstatus(connection) == CONNECTION_OK) return connection;
    fprintf(stderr, "%s\n", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

static int carry_out(PGconn *connection, const char *sql) {
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fprintf(stderr, "%s\n", PQerrorMessage(connection));
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;
}

int raw_postgres_create(const char *text, const char *schema) {
    PGconn *connection = connect_to(text);
    if (!connection) return -1;
    char sql[600];
    snprintf(
        sql, sizeof sql,
        "DROP TABLE IF EXISTS raw_events; DROP SEQUENCE IF EXISTS raw_positions; CREATE SEQUENCE raw_positions;"
        "CREATE TABLE raw_events (LIKE %s.events INCLUDING ALL);"
        "ALTER TABLE raw_events ALTER position SET DEFAULT nextval('raw_positions')",
        schema);
    int outcome = carry_out(connection, sql);
    PQfinish(connection);
    return outcome;
}

typedef struct {
    const char *text;
    int number, batch;
    double end;
    long rows;
} writer;

static void put64(char *place, uint64_t value) {
    for (int index = 7; index >= 0; index--, value >>= 8) place[index] = (char)value;
}

/// One prepared INSERT of many rows.
static char *insert_sql(int batch) {
    char *sql = malloc(200 + (size_t)batch * 160), *end = sql;
    end += sprintf(end, "INSERT INTO raw_events (stream, revision, id, type, payload, recorded, link) VALUES ");
    for (int row = 0; row < batch; row++) {
        int first = row * columns;
        end += sprintf(
            end, "%s($%d::text,$%d::bigint,$%d::uuid,$%d::text,$%d::bytea,$%d::bigint,decode(repeat('ab',32),'hex'))", row ? "," : "", first + 1,
            first + 2, first + 3, first + 4, first + 5, first + 6);
    }
    return sql;
}

static void *write_rows(void *argument) {
    writer *self = argument;
    PGconn *connection = connect_to(self->text);
    if (!connection) return self->rows = -1, NULL;
    int count = self->batch * columns;
    const char **values = calloc((size_t)count, sizeof *values);
    int *lengths = calloc((size_t)count, sizeof *lengths), *formats = calloc((size_t)count, sizeof *formats);
    char (*numbers)[32] = calloc((size_t)self->batch, sizeof *numbers), stream[40], payload[payload_bytes];
    memset(payload, 'x', sizeof payload);
    snprintf(stream, sizeof stream, "order-%d", self->number);
    char *sql = insert_sql(self->batch);
    PQclear(PQprepare(connection, "w", sql, 0, NULL));
    uint64_t random = (uint64_t)self->number * 0x9E3779B97F4A7C15u + 1, revision = 0;
    while (seconds_now() < self->end) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        uint64_t milliseconds = (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
        for (int row = 0; row < self->batch; row++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            put64(numbers[row], ++revision);
            put64(numbers[row] + 8, milliseconds << 16 | 0x7000 | ((uint64_t)self->number & 0xFFF));
            put64(numbers[row] + 16, random);
            put64(numbers[row] + 24, milliseconds * 1000);
            const char *cells[columns] = {stream, numbers[row], numbers[row] + 8, "lineAdded", payload, numbers[row] + 24};
            const int sizes[columns] = {(int)strlen(stream), 8, 16, 9, payload_bytes, 8};
            for (int cell = 0; cell < columns; cell++) {
                int index = row * columns + cell;
                values[index] = cells[cell], lengths[index] = sizes[cell], formats[index] = 1;
            }
        }
        PGresult *result = PQexecPrepared(connection, "w", count, values, lengths, formats, 1);
        if (PQresultStatus(result) != PGRES_COMMAND_OK) {
            fprintf(stderr, "%s\n", PQerrorMessage(connection));
            self->rows = -1;
            PQclear(result);
            break;
        }
        PQclear(result);
        self->rows += self->batch;
    }
    free(sql), free(numbers), free(values), free(lengths), free(formats);
    PQfinish(connection);
    return NULL;
}

long raw_postgres_append(const char *text, int clients, int batch, double seconds) {
    writer *writers = calloc((size_t)clients, sizeof *writers);
    pthread_t *threads = calloc((size_t)clients, sizeof *threads);
    static int next;
    double end = seconds_now() + seconds;
    for (int index = 0; index < clients; index++) {
        writers[index] = (writer){.text = text, .number = next++, .batch = batch, .end = end};
        pthread_create(&threads[index], NULL, write_rows, &writers[index]);
    }
    long rows = 0;
    for (int index = 0; index < clients; index++) {
        pthread_join(threads[index], NULL);
        rows = writers[index].rows < 0 || rows < 0 ? -1 : rows + writers[index].rows;
    }
    free(writers), free(threads);
    return rows;
}

long raw_postgres_scan(const char *text, const char *schema) {
    PGconn *connection = connect_to(text);
    if (!connection) return -1;
    char sql[300];
    snprintf(
        sql, sizeof sql,
        "SELECT position, revision, recorded, id, stream, type, content, source, tracked, tags, metadata, payload "
        "FROM %s.events WHERE position > $1::bigint ORDER BY position LIMIT %d",
        schema, page);
    PQclear(PQprepare(connection, "s", sql, 0, NULL));
    long rows = 0;
    char last[8] = {0};
    for (;;) {
        const char *values[1] = {last};
        const int lengths[1] = {8}, formats[1] = {1};
        PGresult *result = PQexecPrepared(connection, "s", 1, values, lengths, formats, 1);
        if (PQresultStatus(result) != PGRES_TUPLES_OK) return fprintf(stderr, "%s\n", PQerrorMessage(connection)), -1;
        int count = PQntuples(result);
        if (count > 0) memcpy(last, PQgetvalue(result, count - 1, 0), 8);
        rows += count;
        PQclear(result);
        if (count < page) break;
    }
    PQfinish(connection);
    return rows;
}

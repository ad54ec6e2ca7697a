// What the torture tests on PostgreSQL start and kill:
//   sillok-postgres-torture write CONNECTION SCHEMA SEED WRITERS SECONDS    appends and prints what was acknowledged
//   sillok-postgres-torture project CONNECTION SCHEMA MODEL PARTITIONS      runs a projection until it is killed
#if Postgres
import Foundation
import Sillok
import SillokPostgres

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "write" where arguments.count == 6:
    try await Writing(
        connection: arguments[1], schema: arguments[2], seed: UInt64(arguments[3]) ?? 0,
        writers: Int(arguments[4]) ?? 1, seconds: Double(arguments[5]) ?? 1
    ).run()
case "project" where arguments.count == 5:
    try await Projecting(
        connection: arguments[1], schema: arguments[2], model: arguments[3], partitions: Int(arguments[4]) ?? 1
    ).run()
default:
    FileHandle.standardError.write(Data("see the top of main.swift\n".utf8))
    exit(64)
}
#endif

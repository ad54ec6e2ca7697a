import BankModel
import GRDB
import Sillok

/// The bank as tables. An account is a row, and triggers write each change of it into an audit table.
struct TableBank: Bank {
    private let database: DatabasePool

    static let schema = """
        CREATE TABLE account (
            id TEXT PRIMARY KEY, owner TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents >= 0));
        CREATE TABLE request (id TEXT PRIMARY KEY);
        CREATE TABLE audit (
            number INTEGER PRIMARY KEY, account TEXT NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
            old_cents INTEGER, new_cents INTEGER NOT NULL);
        CREATE INDEX audit_of_account ON audit (account, number);
        CREATE TRIGGER account_inserted AFTER INSERT ON account BEGIN
            INSERT INTO audit (account, new_cents) VALUES (new.id, new.cents);
        END;
        CREATE TRIGGER account_updated AFTER UPDATE OF cents ON account BEGIN
            INSERT INTO audit (account, old_cents, new_cents) VALUES (new.id, old.cents, new.cents);
        END;
        CREATE TRIGGER audit_not_updated BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is final'); END;
        CREATE TRIGGER audit_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is final'); END;
        """

    init(path: String) throws {
        database = try DatabasePool(path: path)
        try database.writeWithoutTransaction { db in
            // Each commit is on the disk when it returns, as with the other bank.
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: Self.schema)
        }
    }

    func open(_ account: String, owner: String) async throws {
        try await database.write { db in
            try db.execute(
                sql: "INSERT INTO account VALUES (?, ?, 0) ON CONFLICT (id) DO NOTHING", arguments: [account, owner])
        }
    }

    func deposit(_ cents: UInt32, into account: String, id: CommandID) async throws {
        try await change(account, by: Int(cents), id)
    }

    func withdraw(_ cents: UInt32, from account: String, id: CommandID) async throws {
        try await change(account, by: -Int(cents), id)
    }

    private func change(_ account: String, by cents: Int, _ id: CommandID) async throws {
        try await database.write { db in
            try db.execute(sql: "INSERT INTO request VALUES (?) ON CONFLICT DO NOTHING", arguments: ["\(id)"])
            if db.changesCount == 0 { return }
            let balance = try Int.fetchOne(db, sql: "SELECT cents FROM account WHERE id = ?", arguments: [account])
            guard let balance else { throw Refusal.notOpen }
            if balance + cents < 0 { throw Refusal.insufficientFunds(balance: balance) }
            try db.execute(sql: "UPDATE account SET cents = cents + ? WHERE id = ?", arguments: [cents, account])
        }
    }

    func balance(of account: String) async throws -> Int {
        let balance = try await database.read { db in
            try Int.fetchOne(db, sql: "SELECT cents FROM account WHERE id = ?", arguments: [account])
        }
        guard let balance else { throw Refusal.notOpen }
        return balance
    }

    func total() async throws -> Int {
        try await database.read { db in try Int.fetchOne(db, sql: "SELECT SUM(cents) FROM account") ?? 0 }
    }

    func history(of account: String) async throws -> [String] {
        let sql = "SELECT old_cents, new_cents FROM audit WHERE account = ? ORDER BY number"
        return try await database.read { db in
            try Row.fetchAll(db, sql: sql, arguments: [account]).map { row in
                let (old, new): (Int?, Int) = (row["old_cents"], row["new_cents"])
                return "\(old.map(String.init) ?? "none") → \(new)"
            }
        }
    }

    func close() async throws { try database.close() }
}

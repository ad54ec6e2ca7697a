#if Postgres
import SillokCore
import SillokPostgresSchema
import Testing

@testable import SillokPostgres

/// The steps are composed of parts, and a released step must keep its text.
@Suite("PostgreSQL: steps of the schema")
struct StepTests {
    @Test("the statements of released steps do not change")
    func texts() {
        let sums = Step.all.map { $0.statements(schema: "s", quoted: "\"s\"").joined(separator: "\n").fnv1a }
        #expect(
            sums == [
                0x4C10_C0F3_A466_BA21, 0x32C9_3EF0_9B42_F02D, 0x7984_488B_7D52_DBB5, 0x62AD_5D63_A698_B5CD,
                0x6B43_222A_E29C_ADD0, 0x1D3E_DA39_2152_2FEC, 0x86CC_423F_68C2_E33D, 0x7D68_88DB_8942_2000,
            ], "a step differs from what was released; add a step instead")
    }

    @Test("many that open a store at the same time create one", .enabled(if: TestServer.isThere))
    func atOnce() async throws {
        for _ in 0..<3 {
            let schema = TestServer.freshSchema()
            let ids = try await withThrowingTaskGroup(of: StoreID.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let store = try await PostgresEventStore(TestServer.connection, schema: schema)
                        let id = try await store.storeID()
                        await store.close()
                        return id
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            try TestServer.drop(schema)
        }
    }
}
#endif

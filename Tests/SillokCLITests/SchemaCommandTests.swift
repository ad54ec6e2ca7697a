import Sillok
import SillokSQLite
import Testing

@Suite("sillok schema")
struct SchemaCommandTests {
    let folder = TemporaryFolder()

    private func schema(_ types: String) throws -> String {
        try folder.write(#"{"format":1,"types":{\#(types)}}"#, to: "\(EventID()).json")
    }

    @Test(
        "each change has its verdict and the whole its status",
        arguments: [
            (
                #""a":{"version":1,"fields":{"x":"text"}}"#, #""a":{"version":1,"fields":{"x":"text"}}"#,
                "nothing changes", 0
            ),
            (
                #""a":{"version":1,"fields":{"x":"integer"}}"#,
                #""a":{"version":1,"fields":{"x":"number","y":"text?"}},"b":{"version":1}"#, "compatible", 0
            ),
            (#""a":{"version":1,"fields":{"x":"text"}}"#, #""a":{"version":1,"fields":{}}"#, "x was removed", 1),
            (
                #""a":{"version":1,"fields":{}}"#, #""a":{"version":1,"fields":{"x":"text"}}"#,
                "x is new and required", 1
            ),
            (
                #""a":{"version":1,"fields":{"x":"text"}}"#, #""a":{"version":1,"fields":{"x":"bool"}}"#,
                "needs an upcaster", 1
            ),
            (
                #""a":{"version":1,"fields":{"x":"text?"}}"#, #""a":{"version":1,"fields":{"x":"text"}}"#,
                "was optional and is now required", 1
            ),
            (#""a":{"version":1,"fields":{}}"#, #""b":{"version":1}"#, "breaks", 1),
            (
                #""a":{"version":1,"fields":{}}"#, #""a":{"version":2,"fields":{}}"#,
                "no upcaster of \"a\" from version 1", 1
            ),
            (#""a":{"version":2,"fields":{}}"#, #""a":{"version":1,"fields":{}}"#, "goes back from version 2 to 1", 1),
            (
                #""a":{"version":1,"fields":{"x":"text"}}"#, #""a":{"version":2,"upcasts":{"1":{"a":2}}}"#,
                "goes from version 1 to 2", 0
            ),
            (
                #""a":{"version":2,"upcasts":{"1":{"a":2}}}"#, #""a":{"version":2}"#, "breaks", 1
            ),
            (
                #""a":{"version":1}"#, #""a":{"upcasts":{"1":{"b":1,"c":1}}},"b":{"version":1},"c":{"version":1}"#,
                "was removed", 0
            ),
            (#""a":{"version":1}"#, #""a":{"upcasts":{"1":{"b":1}}}"#, "there is no type \"b\"", 1),
        ] as [(String, String, String, Int32)])
    func diff(old: String, new: String, text: String, status: Int32) async throws {
        let ending = await sillok("schema", "diff", try schema(old), try schema(new))
        #expect(ending.status == status, "\(ending.output)\(ending.errors)")
        #expect(ending.output.contains(text), "\(ending.output)")
        let json = await sillok("schema", "diff", try schema(old), try schema(new), "--json")
        #expect(json.status == status)
    }

    @Test("a log is learnt, and checked against a schema")
    func log() async throws {
        let store = folder("bank.sqlite")
        func append(_ type: String, _ data: String, version: Int? = nil, stream: String = "account-1") async {
            let meta = version.map { ["--meta", "schemaversion=\($0)"] } ?? []
            let ending = await sillok(["append", store, stream, "--type", type, "--data", data] + meta)
            #expect(ending.status == 0)
        }
        await append("deposited", #"{"amount":5}"#)
        await append("deposited", #"{"cents":5,"note":"x"}"#, version: 2)
        await append("deposited", #"{"cents":6}"#, version: 2)
        await append("closed", "{}")
        await append("placed", #"{"lines":[{"price":1.5}]}"#, stream: "order-1")
        let snapshot = await sillok("schema", "snapshot", store, "--category", "account")
        #expect(snapshot.status == 0)
        #expect(snapshot.output.contains(#""cents": "integer""#) && snapshot.output.contains(#""note": "text?""#))
        #expect(!snapshot.output.contains("placed"))
        #expect(await sillok("schema", "snapshot", store).output.contains(#""lines[].price": "number""#))

        let good = try schema(
            #""deposited":{"version":2,"fields":{"cents":"integer","note":"text?"},"upcasts":{"1":{"deposited":2}}},"closed":{"version":1}"#
        )
        let ending = await sillok("schema", "check", good, store, "--category", "account")
        #expect(ending.status == 0, "\(ending.output)\(ending.errors)")
        #expect(ending.output.contains("version 1, 1 events: upcast"))
        for (types, text) in [
            (
                #""deposited":{"version":2,"fields":{"cents":"integer"}},"closed":{"version":1}"#,
                "no upcaster of \"deposited\""
            ),
            (#""deposited":{"version":1},"closed":{"version":1}"#, "the newest version of \"deposited\" is 1"),
            (#""deposited":{"version":2,"upcasts":{"1":{"deposited":2}}}"#, "there is no type \"closed\""),
            (
                #""deposited":{"version":2,"fields":{"note":"text"},"upcasts":{"1":{"deposited":2}}},"closed":{"version":1}"#,
                "at position 3, note is missing"
            ),
            (
                #""deposited":{"version":2,"fields":{"cents":"text"},"upcasts":{"1":{"deposited":2}}},"closed":{"version":1}"#,
                "cents is integer, not text"
            ),
        ] {
            let bad = await sillok("schema", "check", try schema(types), store, "--category", "account")
            #expect(bad.status == 1 && bad.output.contains(text), "\(bad.output)\(bad.errors)")
        }
        #expect(try await sillok("schema", "diff", folder.write("no schema", to: "x.json"), good).status == 65)
        #expect(await sillok("schema", "diff", folder("none.json"), good).status == 66)
    }
}

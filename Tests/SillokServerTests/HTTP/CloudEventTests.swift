import HTTPTypes
import Hummingbird
import Sillok
import SillokCloudEvents
import SillokCore
import SillokWire
import Testing

@testable import SillokServer

/// Events of other producers: what goes in comes out as it was, in every mode.
@Suite("CloudEvents over HTTP")
struct CloudEventTests {
    private static let standard: HTTPFields = [.contentType: "application/cloudevents+json"]
    private static let batch: HTTPFields = [.contentType: "application/cloudevents-batch+json"]
    private static let wantsStandard: HTTPFields = [.accept: "application/cloudevents+json"]

    /// The members of an object and their text.
    private func members(_ text: String) throws -> [String: String] {
        let members = try #require(try JSONReader(Array(text.utf8)).root.members)
        return Dictionary(uniqueKeysWithValues: members.map { ($0.key, String(decoding: $0.value.raw, as: UTF8.self)) })
    }

    /// The path of an event with an identity of its producer.
    private func path(_ id: String, of source: String, _ rest: String = "") -> String {
        "/v1/events/\(CloudEventHeader.encoded(id).replacing("/", with: "%2F"))\(rest)?source="
            + CloudEventHeader.encoded(source).replacing("&", with: "%26").replacing("+", with: "%2B")
    }

    /// The examples of the specification's JSON format 1.0.2, with the white space of people.
    private static let examples = [
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,
        "id":"C234-1234-1234","time":"2018-04-05T17:31:00Z","comexampleextension1":"value",
        "comexampleothervalue":5,"unsetextension":null,"datacontenttype":"application/xml",
        "data":"<much wow=\"xml\"/>"}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,
        "id":"D234-1234-1234","time":"2018-04-05T17:31:00Z","comexampleextension1":"value",
        "comexampleothervalue":5,"datacontenttype":"application/vnd.apache.thrift.binary",
        "data_base64":"AQIDBA=="}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,
        "id":"E234-1234-1234","time":"2018-04-05T17:31:00Z","comexampleextension1":"value",
        "comexampleothervalue":5,"datacontenttype":"application/json",
        "data":{"appinfoA":"abc","appinfoB":123,"appinfoC":true}}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"F234-1234-1234",
        "time":"2018-04-05T17:31:00Z","comexampleextension1":"value","comexampleothervalue":5,
        "datacontenttype":"application/json","data":1.5}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"G234-1234-1234",
        "data":"I'm just a string"}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"H234-1234-1234",
        "data":{"a":1}}
        """#,
        #"""
        {"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"I234-1234-1234",
        "datacontenttype":"application/json","data_base64":"eyAieHl6IjogMTIzIH0="}
        """#,
        #"""
        {"specversion":"1.0","type":"com.github.pull_request.opened",
        "source":"https://github.com/cloudevents/spec/pull","subject":"123","id":"A234-1234-1234",
        "time":"2018-04-05T17:31:00Z","datacontenttype":"text/xml","data":"<much wow=\"xml\"/>"}
        """#,
    ]

    @Test("C10: the examples of the specification go in and come out with every attribute", arguments: examples)
    func everyExample(_ text: String) async throws {
        let web = try await Browserless()
        #expect(try await web.ask(.post, "/v1/events", text, headers: Self.standard).status == 200)
        let given = try members(text).filter { $0.value != "null" }
        let id = try #require(try JSONReader(Array(text.utf8)).root["id"]?.string)
        let source = try #require(try JSONReader(Array(text.utf8)).root["source"]?.string)
        for headers in [HTTPFields(), Self.wantsStandard] {
            let answer = try await web.ask(.get, path(id, of: source), headers: headers)
            #expect(answer.status == 200)
            let kept = try members(answer.text)
            for (name, value) in given { #expect(kept[name] == value, "\(name) of \(answer.text)") }
            let added = Set(kept.keys).subtracting(given.keys)
            #expect(added.isSubset(of: ["position", "revision", "sillokid", "silloktime"]), "\(added)")
        }
        // Once for ever, however often it comes.
        #expect(try await web.ask(.post, "/v1/events", text, headers: Self.standard).status == 200)
        #expect(try await web.store.head() == 1)
    }

    @Test("C10: source and id together are the identity, and the id in the store is a UUID of version 5 made of both")
    func identity() async throws {
        let web = try await Browserless()
        func event(_ source: String, _ id: String, _ data: Int = 1) -> String {
            #"{"specversion":"1.0","type":"t","source":"\#(source)","id":"\#(id)","data":\#(data)}"#
        }
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057"
        let identities = [("/a", "1"), ("/b", "1"), ("/a", "evt_1Nx"), ("/a1", ""), ("urn:x", uuid), ("urn:y", uuid)]
        for (source, id) in identities where !id.isEmpty {
            for _ in 0..<2 { #expect(try await web.ask(.post, "/v1/events", event(source, id)).status == 200) }
        }
        #expect(try await web.store.head() == 5)
        #expect(try await web.ask(.post, "/v1/events", event("/a1", "")).status == 400)
        // The same identity with other contents is a conflict.
        #expect(try await web.ask(.post, "/v1/events", event("/a", "1", 2)).problem == "event-id-conflict")
        let known = try #require(try await web.store.read(.all, limit: 1).events.first)
        #expect(known.id == CloudEventIdentity(source: "/a", id: "1").eventID)
        // Made with another library: uuid5 of the namespace and "2:/a1".
        #expect(known.id.description == "1215565a-c177-5605-8b26-3b3ddf5f5a4e")
        #expect(
            CloudEventIdentity(source: "/a", id: "11").eventID != CloudEventIdentity(source: "/a1", id: "1").eventID)
        let answer = try await web.ask(.get, "/v1/events/\(known.id)")
        #expect(try answer.json["id"]?.string == "1" && answer.json["sillokid"]?.string == known.id.description)
        // An id that is no UUID needs a source; a UUID alone is the id of the store.
        #expect(try await web.ask(.post, "/v1/events", #"{"type":"t","id":"1"}"#).problem == "malformed")
        #expect(try await web.ask(.post, "/v1/events", #"{"type":"t","id":"\#(uuid)"}"#).status == 200)
        #expect(try await web.ask(.get, "/v1/events/\(uuid)").status == 200)
    }

    @Test("C10: what an earlier version recorded under its UUID is not recorded again")
    func former() async throws {
        let web = try await Browserless()
        let id: EventID = "01890a5d-ac96-774b-bcce-b302099a8057"
        var metadata = Metadata()
        metadata["source"] = "urn:me"
        try await web.store.append([EventData(id: id, type: "t", metadata: metadata, text: "1")], to: "a-1")
        let body = #"{"type":"t","source":"urn:me","id":"\#(id)","subject":"a-1","data":1}"#
        #expect(try await web.ask(.post, "/v1/events", body).status == 200)
        #expect(try await web.store.head() == 1)
    }

    @Test("C11: every type of attribute and every time of RFC 3339 is kept; other values are refused with a reason")
    func attributes() async throws {
        let web = try await Browserless()
        for (index, time) in [
            "2018-04-05T17:31:00.1234567Z", "2018-04-05T17:31:00.123456789+02:00", "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
        ].enumerated() {
            let text =
                #"{"specversion":"1.0","type":"t","source":"/s","id":"\#(index)","time":"\#(time)","count":-5,"#
                + #""flag":true,"empty":"","subject":null,"unset":null,"dataschema":"https://e.example/s"}"#
            #expect(try await web.ask(.post, "/v1/events", text).status == 200)
            let kept = try members(try await web.ask(.get, path("\(index)", of: "/s")).text)
            #expect(kept["time"] == "\"\(time)\"" && kept["count"] == "-5" && kept["flag"] == "true")
            #expect(kept["empty"] == "\"\"" && kept["unset"] == nil && kept["subject"] == nil)
            #expect(kept["dataschema"] == "\"https://e.example/s\"")
        }
        // Without an identity of the producer too.
        #expect(
            try await web.ask(.post, "/v1/events", #"{"type":"n","subject":"n-1","count":5,"note":"x"}"#).status == 200)
        let own = try members(try await web.ask(.get, "/v1/positions/5").text)
        #expect(own["count"] == "5" && own["metadata"] == #"{"note":"x"}"#)
        for bad in [#""x":1.5"#, #""x":[1]"#, #""x":{}"#, #""time":"yesterday""#, #""time":5"#, #""id":5"#] {
            let text = #"{"specversion":"1.0","type":"t","source":"/s","id":"bad",\#(bad)}"#
            #expect(try await web.ask(.post, "/v1/events", text).problem == "malformed", "\(bad)")
        }
    }

    @Test("C9: an attribute and its namesake in the metadata are judged the same in either order")
    func doors() async throws {
        let web = try await Browserless()
        for body in [
            #"{"type":"t","actor":"ada","metadata":{"actor":"eve"}}"#,
            #"{"type":"t","metadata":{"actor":"eve"},"actor":"ada"}"#,
        ] { #expect(try await web.ask(.post, "/v1/events", body).problem == "malformed") }
        #expect(try await web.store.head() == 0)
        for body in [
            #"{"type":"t","actor":"ada","metadata":{"actor":"ada"}}"#,
            #"{"type":"t","metadata":{"actor":"ada"},"actor":"ada"}"#,
        ] { #expect(try await web.ask(.post, "/v1/events", body).status == 200) }
        #expect(try await web.store.read(.all).events.map(\.metadata.actor) == ["ada", "ada"])
    }

    @Test("C12: binary mode is read and answered, its text percent-encoded, and the body is the payload")
    func binary() async throws {
        let web = try await Browserless()
        func name(_ text: String) throws -> HTTPField.Name { try #require(HTTPField.Name(text)) }
        let headers: HTTPFields = [
            try name("ce-specversion"): "1.0", try name("ce-type"): "com.example", try name("ce-source"): "/s p",
            try name("ce-id"): "evt%201", try name("Ce-Comment"): "%E2%82%AC%20\"x\"", try name("ce-subject"): "a-1",
            .contentType: "text/plain; charset=utf-8",
        ]
        for _ in 0..<2 {
            #expect(try await web.ask(.post, "/v1/events", bytes: Array("so\n".utf8), headers: headers).status == 200)
        }
        #expect(try await web.store.head() == 1)
        let event = try #require(try await web.store.read(.stream("a-1")).events.first)
        #expect(event.payload == Array("so\n".utf8) && event.contentType.text == "text/plain; charset=utf-8")
        #expect(event.metadata["comment"] == "€ \"x\"")
        let answer = try await web.ask(.get, path("evt 1", of: "/s p", "/binary"))
        #expect(answer.text == "so\n" && answer.headers[.contentType] == "text/plain; charset=utf-8")
        #expect(try answer.headers[name("ce-id")] == "evt%201" && answer.headers[name("ce-source")] == "/s%20p")
        #expect(try answer.headers[name("ce-comment")] == "%E2%82%AC%20%22x%22")
        #expect(try answer.headers[name("ce-time")] == nil && answer.headers[name("ce-specversion")] == "1.0")
        // Without data there is neither a body nor a type.
        let empty: HTTPFields = [
            try name("ce-specversion"): "1.0", try name("ce-type"): "t", try name("ce-source"): "/s",
            try name("ce-id"): "2",
        ]
        #expect(await web.response(.post, "/v1/streams/b-1/events", headers: empty).status == .ok)
        let none = try await web.ask(.get, path("2", of: "/s", "/binary"))
        #expect(none.text.isEmpty && none.headers[.contentType] == nil)
        for (bad, value) in [
            ("ce-comment", "caf\u{E9}"), ("ce-comment", "%E9"), ("ce-position", "1"), ("ce-specversion", "0.3"),
        ] {
            var fields = headers
            fields[try name(bad)] = value
            #expect(
                try await web.ask(.post, "/v1/events", bytes: [1], headers: fields).problem == "malformed", "\(value)")
        }
        var partial = headers
        partial[try name("ce-specversion")] = nil
        #expect(try await web.ask(.post, "/v1/events", bytes: [1], headers: partial).problem == "malformed")
    }

    @Test("C12: a batch is read and answered; formats that are not known are refused by their type")
    func batches() async throws {
        let web = try await Browserless()
        let body =
            #"[{"specversion":"1.0","type":"t","source":"/s","id":"1","n":1},"#
            + #"{"specversion":"1.0","type":"t","source":"/s","id":"2"}]"#
        #expect(try await web.ask(.post, "/v1/events", body, headers: Self.batch).status == 200)
        let wanted: HTTPFields = [.accept: "application/cloudevents-batch+json"]
        let answer = try await web.ask(.get, "/v1/events", headers: wanted)
        #expect(answer.headers[.contentType]?.hasPrefix("application/cloudevents-batch+json") == true)
        #expect(answer.headers[.sillokThrough] == "2" && answer.headers[.sillokPosition] == "2")
        let events = try #require(try answer.json.elements)
        #expect(events.map { $0["id"]?.string } == ["1", "2"] && events[0]["n"]?.integer(as: Int.self) == 1)
        // Every attribute is of a type that CloudEvents has.
        for event in events {
            for (key, value) in event.members ?? [] { #expect(value.members == nil && value.elements == nil, "\(key)") }
        }
        #expect(try await web.ask(.post, "/v1/events", body, headers: Self.standard).problem == "malformed")
        #expect(try await web.ask(.post, "/v1/events", "{}", headers: Self.batch).problem == "malformed")
        for type in [
            "application/cloudevents+avro", "application/cloudevents+protobuf", "application/cloudevents-batch+x",
        ] {
            #expect(
                try await web.ask(.post, "/v1/events", "{}", headers: [.contentType: type]).status == 415, "\(type)")
        }
        #expect(try await web.store.head() == 2)
    }

    private static let layouts = [
        "{\n  \"a\": 1,\n  \"b\": [\n    1\n  ]\n}\n", " 1 ", "\t\r\n[1,\r\n2]\r\n\r\n", "{\"a\":\"x y\"}", "\n\n1\n",
        "[ ]",
    ]

    @Test("C13: white space does not decide the form, and every byte can be had again", arguments: layouts)
    func layout(_ payload: String) async throws {
        let web = try await Browserless()
        try await web.note("n-1", "noted", payload)
        let answer = try await web.ask(.get, "/v1/events")
        let shown = try #require(try answer.json["events"]?.elements?.first)
        #expect(shown["data"] != nil && shown["data_base64"] == nil, "\(answer.text)")
        let lines = try await web.ask(.get, "/v1/events", headers: [.accept: "application/x-ndjson"]).text
        #expect(lines.filter { $0 == "\n" }.count == 1)
        let read = try CloudEvent(line: Array(lines.utf8.dropLast()))
        #expect(read.entry.event.payload == Array(payload.utf8))
        let posted = #"{"type":"t","data":\#(payload)}"#
        #expect(try await web.ask(.post, "/v1/events", posted).status == 200)
    }

    @Test("C13: a note of white space that does not belong to the data is refused")
    func foreignLayout() {
        let line = Array("[1, 2]".utf8)
        #expect(JSONLayout.text(line: line, note: "::4n") == Array("[1,\n2]".utf8))
        for note in ["", ":", "::1n", "::n", "::99n", "::4", "x::", "::4n1n", "::99999999999999999999n", "::4n:"] {
            #expect(JSONLayout.text(line: line, note: note) == nil, "\(note)")
        }
    }

    @Test("C14: an event without data has neither data nor a content type; an empty payload has both")
    func absent() async throws {
        let web = try await Browserless()
        #expect(try await web.ask(.post, "/v1/events", #"{"type":"none","subject":"a-1"}"#).status == 200)
        let none = try members(try await web.ask(.get, "/v1/positions/1").text)
        #expect(none["data"] == nil && none["data_base64"] == nil && none["datacontenttype"] == nil)
        for (id, rest) in [
            ("1", #","datacontenttype":"text/plain""#), ("2", #","datacontenttype":"text/plain","data":"""#),
            ("3", #","datacontenttype":"text/plain","data_base64":"""#), ("4", ""), ("5", #","data":null"#),
            ("6", #","data":"""#), ("7", #","data_base64":"""#), ("8", #","datacontenttype":"application/json""#),
        ] {
            let text = #"{"specversion":"1.0","type":"t","source":"/s","id":"\#(id)"\#(rest)}"#
            #expect(try await web.ask(.post, "/v1/events", text).status == 200, "\(id)")
            let kept = try members(try await web.ask(.get, path(id, of: "/s")).text)
            let given = try members(text)
            for name in ["data", "data_base64", "datacontenttype"] {
                #expect(kept[name] == given[name], "\(id): \(name)")
            }
        }
    }
}

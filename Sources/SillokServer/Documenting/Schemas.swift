/// The JSON schemas of requests and answers.
enum Schemas {
    private static let position = #"{"type":"integer","minimum":0,"maximum":9223372036854775807}"#
    private static let mark =
        #"{"anyOf":[\#(position),{"type":"string","pattern":"^[0-9]{1,18}(@[0-9A-Fa-f-]{36})?$"}]}"#
    private static let count = #"{"type":"integer","minimum":0}"#
    private static let text = #"{"type":"string"}"#
    private static let time = #"{"type":"string","format":"date-time"}"#
    private static let truth = #"{"type":"boolean"}"#
    private static let number = #"{"type":["number","null"]}"#
    private static let name = #"{"type":"string","minLength":1,"maxLength":256}"#
    private static let reason = #"{"type":"string","minLength":1,"maxLength":1000}"#

    static let all: [String: String] = asked.merging(events) { $1 }.merging(operating) { $1 }.merging(administering) {
        $1
    }

    private static let asked: [String: String] = [
        "NewEvent": object(
            [
                "specversion": #"{"const":"1.0"}"#, "id": #"{"type":"string","minLength":1}"#, "type": name,
                "subject": #"{"type":"string","minLength":1,"maxLength":512}"#, "source": text, "time": text,
                "datacontenttype": name, "tags": array(name, "maxItems", 64),
                "metadata": #"{"type":"object","additionalProperties":{"type":"string"}}"#,
                "data": "{}", "data_base64": text,
            ], required: ["type"], isOpen: true),
        "CloudEvent": cloudEvent, "CloudEvents": "{\"type\":\"array\",\"items\":\(cloudEvent)}",
        "Append": """
        {"anyOf":[{"$ref":"#/components/schemas/AppendRequest"},{"$ref":"#/components/schemas/NewEvent"},\
        {"type":"array","items":{"$ref":"#/components/schemas/NewEvent"},"minItems":1,"maxItems":1000}]}
        """,
        "AppendRequest": object(
            [
                "events":
                    ##"{"type":"array","items":{"$ref":"#/components/schemas/NewEvent"},"minItems":1,"maxItems":1000}"##,
                "condition": object(
                    [
                        "revisions": #"{"type":"object","additionalProperties":\#(position)}"#,
                        "unchanged": array(
                            object(["query": reference("Query"), "since": mark], required: ["query"]), "maxItems",
                            100),
                    ]),
                "tracking": object(
                    ["source": name, "position": position, "event": text], required: ["source", "position"]),
            ], required: ["events"]),
        "Query": object(["items": array(reference("QueryItem"), "maxItems", 100)]),
        "QueryItem": object([
            "stream": #"{"type":"string","minLength":1,"maxLength":512}"#,
            "category": #"{"type":"string","minLength":1,"maxLength":512}"#, "types": array(name, "maxItems", 100),
            "tags": array(name, "maxItems", 64),
        ]),
        "Read": object([
            "query": reference("Query"), "after": mark, "before": position,
            "direction": #"{"enum":["forward","backward"]}"#,
            "limit": #"{"type":"integer","minimum":1,"maximum":1000}"#,
        ]),
        "Reason": object(["reason": reason], required: ["reason"]),
        "Replacement": object(["reason": reason, "payload": text], required: ["reason", "payload"]),
        "SignIn": object(["token": text], required: ["token"]),
        "NewKey": object(
            [
                "name": #"{"type":"string","minLength":1,"maxLength":200}"#, "scopes": text, "resources": text,
                "expires": time,
            ],
            required: ["name", "scopes"]),
    ]

    private static let events: [String: String] = [
        "Event": object(
            [
                "specversion": text, "id": text, "source": text, "type": text, "subject": text, "time": time,
                "datacontenttype": text, "position": position, "revision": position,
                "tags": #"{"type":["array","string"]}"#,
                "metadata": #"{"type":"object"}"#, "data": "{}", "data_base64": text,
                "sillokid": #"{"type":"string","format":"uuid"}"#, "silloktime": time, "silloklayout": text,
            ], required: ["specversion", "id", "source", "type", "position"], isOpen: true),
        "EventStream": text, "Text": text,
        "Page": object(
            [
                "events": array(reference("Event")), "through": position, "token": text, "isEnd": truth,
                "head": position,
            ], required: ["events", "through", "token", "isEnd", "head"]),
        "Receipt": object(
            [
                "firstPosition": position, "position": position, "token": text,
                "revisions": #"{"type":"object"}"#, "recordedAt": time,
            ], required: ["firstPosition", "position", "token", "revisions", "recordedAt"]),
        "Head": object(["store": text, "head": position, "token": text], required: ["store", "head", "token"]),
        "Tracking": object(
            ["source": text, "position": position, "event": text], required: ["source", "position"]),
        "Stream": object(
            [
                "stream": text, "category": text, "revision": position, "lastPosition": position,
                "firstRecordedAt": time,
                "lastRecordedAt": time, "hasState": truth,
            ], required: ["stream", "category", "revision", "lastPosition"]),
        "Streams": object(
            ["streams": array(reference("Stream")), "through": text, "isEnd": truth], required: ["streams", "isEnd"]),
        "Categories": object(["categories": array(text), "isEnd": truth], required: ["categories", "isEnd"]),
        "State": object(
            ["stream": text, "revision": position, "state": "{}"], required: ["stream", "revision", "state"]),
        "Relations": object(
            [
                "event": reference("Event"), "causes": array(reference("Event")), "effects": array(reference("Event")),
                "through": position, "isEnd": truth,
            ], required: ["event", "causes", "effects", "through", "isEnd"]),
        "Problem": object(
            [
                "type": text, "title": text, "status": count, "detail": text, "outcome": text, "head": position,
                "streams": #"{"type":"object"}"#, "positions": array(position), "index": count, "id": text,
                "recorded": position, "limit": text,
            ], required: ["type", "title", "status", "detail"]),
    ]

    private static let operating: [String: String] = [
        "Projections": object(
            ["hasReadModel": truth, "projections": array(reference("Projection"))],
            required: ["hasReadModel", "projections"]),
        "Projection": object(
            [
                "projection": text, "version": count, "build": count, "state": text, "lifecycle": text,
                "partitions": count, "position": position, "head": position, "behind": count, "lagSeconds": number,
                "events": count, "deadLetters": count, "isPaused": truth, "progress": number, "begun": time,
                "caughtUp": time, "failure": text,
            ], required: ["projection", "version", "build", "state"]),
        "Difference": object(
            [
                "live": text, "other": text, "apart": count, "rows": count, "isCut": truth,
                "differences": array(object(["table": text, "live": text, "other": text], required: ["table"])),
            ], required: ["live", "other", "apart", "rows", "isCut", "differences"]),
        "ProjectionAudit": object(["acts": array(act(["reason": text]))], required: ["acts"]),
        "Objectives": object(["objectives": array(#"{"type":"object"}"#)], required: ["objectives"]),
        "DeadLetters": object(["deadLetters": array(reference("DeadLetter"))], required: ["deadLetters"]),
        "DeadLetter": object(
            [
                "projection": text, "position": position, "event": text, "type": text, "stream": text, "sequence": text,
                "state": text, "reason": text, "attempts": count, "parkedAt": time, "replacement": text,
            ], required: ["projection", "position", "event", "type", "sequence", "state", "reason"]),
        "DeadLetterWithEvent": object(
            ["deadLetter": reference("DeadLetter"), "event": reference("Event")], required: ["deadLetter", "event"]),
        "Accepted": object(["accepted": truth], required: ["accepted"]),
        "Overview": #"{"type":"object","required":["store","head","append","seconds","projections"]}"#,
    ]

    private static let administering: [String: String] = [
        "Health": object(["status": text], required: ["status"]),
        "Server": object(
            ["store": text, "limits": "{\"type\":\"object\",\"additionalProperties\":\(count)}"],
            required: ["store", "limits"]),
        "Session": #"{"type":"object","required":["isOpen","store","has"]}"#,
        "Keys": object(["keys": array(reference("Key"))], required: ["keys"]),
        "Key": object(key, required: ["id", "name", "scopes", "resources", "created"]),
        "CreatedKey": object(
            key.merging(["key": text]) { $1 }, required: ["id", "name", "scopes", "resources", "created", "key"]),
        "Audit": object(["acts": array(act([:]))], required: ["acts"]),
        "Job": object(
            [
                "by": text, "begun": time, "ended": time, "state": text, "step": text, "done": count, "total": count,
                "result": text, "findings": array(text),
            ], required: ["by", "begun", "state", "findings"]),
    ]

    /// An event in the form of the CloudEvents standard. Every other member is an attribute of its producer.
    private static let cloudEvent = object(
        [
            "specversion": #"{"const":"1.0"}"#, "id": #"{"type":"string","minLength":1}"#,
            "source": #"{"type":"string","minLength":1}"#, "type": name,
            "subject": #"{"type":["string","null"],"minLength":1,"maxLength":512}"#,
            "time": #"{"type":["string","null"],"format":"date-time"}"#,
            "datacontenttype": #"{"type":["string","null"]}"#,
            "data": "{}", "data_base64": #"{"type":["string","null"]}"#,
        ], required: ["specversion", "id", "source", "type"], isOpen: true)

    private static let key = [
        "id": text, "name": text, "scopes": text, "resources": text, "created": time, "expires": time, "revoked": time,
    ]

    private static func act(_ more: [String: String]) -> String {
        object(
            ["at": time, "by": text, "action": text, "target": text, "detail": text].merging(more) { $1 },
            required: ["at", "by", "action", "target"])
    }

    private static func object(_ members: [String: String], required: [String] = [], isOpen: Bool = false) -> String {
        let properties = members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
        let needed = required.isEmpty ? "" : ",\"required\":[\(required.map { "\"\($0)\"" }.joined(separator: ","))]"
        let rest = isOpen ? #"{"type":["string","integer","boolean","null"]}"# : "false"
        return "{\"type\":\"object\",\"properties\":{\(properties)}\(needed),\"additionalProperties\":\(rest)}"
    }

    private static func array(_ items: String, _ limit: String = "", _ count: Int = 0) -> String {
        "{\"type\":\"array\",\"items\":\(items)\(limit.isEmpty ? "" : ",\"\(limit)\":\(count)")}"
    }

    private static func reference(_ name: String) -> String { "{\"$ref\":\"#/components/schemas/\(name)\"}" }
}

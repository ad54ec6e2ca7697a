package import NIOCore
package import NIOHPACK
import SillokCore
import SillokJSON

/// The names of the headers of gRPC.
package enum HeaderName {
    package static let contentType = "content-type"
    package static let status = "grpc-status"
    package static let message = "grpc-message"
    package static let details = "grpc-status-details-bin"
    package static let timeout = "grpc-timeout"
    package static let encoding = "grpc-encoding"
    package static let acceptEncoding = "grpc-accept-encoding"
    package static let authorization = "authorization"
    package static let pushback = "grpc-retry-pushback-ms"
}

extension HPACKHeaders {
    /// The value of a header that comes once; of several, the first.
    package func value(_ name: String) -> String? { self[name].first }

    /// Adds what says how a call ended.
    package mutating func add(_ status: GRPCStatus) {
        add(name: HeaderName.status, value: String(status.code.rawValue))
        if !status.message.isEmpty {
            add(name: HeaderName.message, value: status.message.percentEncoded, indexing: .nonIndexable)
        }
        if let details = status.details {
            add(name: HeaderName.details, value: Base64.text(of: details), indexing: .nonIndexable)
        }
        if let retryAfter = status.retryAfter { add(retryAfter: retryAfter) }
    }

    /// Adds how long the caller is asked to wait before a retry.
    package mutating func add(retryAfter: Duration) {
        add(name: HeaderName.pushback, value: String(Swift.max(0, retryAfter.wholeMilliseconds)))
    }

    /// How a call ended, as trailers say it; `nil` if they do not.
    package var grpcStatus: GRPCStatus? {
        guard let text = value(HeaderName.status), let number = Int(text) else { return nil }
        let code = GRPCStatus.Code(rawValue: number) ?? .unknown
        // Other servers leave out the fillers of base 64.
        let details = value(HeaderName.details).flatMap { text in
            Base64.bytes(of: text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
        }
        let milliseconds = value(HeaderName.pushback).flatMap { Int64($0) }
        return GRPCStatus(
            code, (value(HeaderName.message) ?? "").percentDecoded, details: details,
            retryAfter: milliseconds.flatMap { $0 < 0 ? nil : .milliseconds($0) })
    }
}

extension TimeAmount {
    /// Reads `grpc-timeout`: at most eight digits and a unit; `nil` for anything else.
    package init?(grpcTimeout text: String) {
        guard let unit = text.utf8.last, (2...9).contains(text.utf8.count), let count = Int64(text.dropLast()),
            count >= 0
        else { return nil }
        switch unit {
        case UInt8(ascii: "H"): self = .hours(count)
        case UInt8(ascii: "M"): self = .minutes(count)
        case UInt8(ascii: "S"): self = .seconds(count)
        case UInt8(ascii: "m"): self = .milliseconds(count)
        case UInt8(ascii: "u"): self = .microseconds(count)
        case UInt8(ascii: "n"): self = .nanoseconds(count)
        default: return nil
        }
    }

    /// The text of `grpc-timeout`.
    package var grpcTimeout: String { "\(min(max(1, nanoseconds / 1_000_000), 99_999_999))m" }
}

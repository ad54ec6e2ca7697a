import Foundation

/// A TCP connection on this machine that exchanges lines of text. Its calls block the thread.
final class LineSocket: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) throws {
        guard descriptor >= 0 else { throw TortureFailure("no socket: \(String(cString: strerror(errno)))") }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// A socket that listens on a free port.
    static func listening() throws -> LineSocket {
        let socket = try LineSocket(makeSocket())
        let isBound = withAddress(port: 0) { bind(socket.descriptor, $0, $1) == 0 }
        guard isBound, listen(socket.descriptor, 512) == 0 else { throw TortureFailure("no port to listen on") }
        return socket
    }

    /// Connects to a port of this machine. Reads end after a time.
    init(port: UInt16, timeoutSeconds: Int) throws {
        descriptor = Self.makeSocket()
        guard descriptor >= 0 else { throw TortureFailure("no socket: \(String(cString: strerror(errno)))") }
        var time = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let isConnected = Self.withAddress(port: port) { connect(descriptor, $0, $1) == 0 }
        if !isConnected { throw TortureFailure("the payment service does not listen on port \(port)") }
    }

    func accept() throws -> LineSocket {
        #if canImport(Glibc)
        return try LineSocket(Glibc.accept(descriptor, nil, nil))
        #else
        return try LineSocket(Darwin.accept(descriptor, nil, nil))
        #endif
    }

    func port() throws -> UInt16 {
        var bound = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { throw TortureFailure("the socket has no port") }
        return UInt16(bigEndian: bound.sin_port)
    }

    /// Returns the next line, or what there is of it when the other side ends or the time is over.
    func readLine() -> String {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func writeLine(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        #if os(Linux)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        #else
        _ = send(descriptor, bytes, bytes.count, 0)
        #endif
    }

    private static func makeSocket() -> Int32 {
        #if os(Linux)
        socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        socket(AF_INET, SOCK_STREAM, 0)
        #endif
    }

    private static func withAddress<Result>(
        port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

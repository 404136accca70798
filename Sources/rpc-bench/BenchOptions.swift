import RPCRuntime
import Transport

/// The command line of server and client.
struct BenchOptions: Sendable {
    struct Mistake: Error { let message: String }

    var host = "127.0.0.1"
    var peer = "ours"
    var certificates = "certs"
    var workload = "A"
    var port: UInt16 = 7000
    var serverPID: Int32 = 0
    var payload = 100
    var connections = 1
    var outstanding = 1
    var threads = 1
    var warm = 1.0
    var seconds = 5.0
    var count = 0
    var limits = BenchServer.limits()
    var resumption = TLSResumption.off

    /// What a test makes small, to reach it.
    private static var serverLimits: [(String, WritableKeyPath<RPCOptions, Int>)] {
        [
            ("--frame", \.frameBytesMax), ("--message", \.messageBytesMax),
            ("--window", \.streamWindow), ("--connection-window", \.connectionWindow),
            ("--reassembly", \.reassemblyBytesMax), ("--streams", \.streamsMax),
        ]
    }

    init(_ arguments: [String]) throws {
        var given: [String: String] = [:]
        var index = 0
        while index < arguments.count {
            guard arguments[index].hasPrefix("--"), index + 1 < arguments.count else {
                throw Mistake(message: "'\(arguments[index])' needs a name and a value")
            }
            given[arguments[index]] = arguments[index + 1]
            index += 2
        }
        func take<Value>(_ name: String, _ read: (String) -> Value?) throws -> Value? {
            guard let text = given.removeValue(forKey: name) else { return nil }
            guard let value = read(text) else {
                throw Mistake(message: "\(name) does not take '\(text)'")
            }
            return value
        }
        host = try take("--host") { $0 == "localhost" ? "127.0.0.1" : $0 } ?? host
        peer = try take("--peer") { $0 } ?? peer
        certificates = try take("--certs") { $0 } ?? certificates
        workload = try take("--workload") { $0 } ?? workload
        port = try take("--port") { UInt16($0) } ?? port
        serverPID = try take("--server-pid") { Int32($0) } ?? serverPID
        threads = try take("--threads") { Int($0) } ?? threads
        warm = try take("--warm") { Double($0) } ?? warm
        seconds = try take("--secs") { Double($0) } ?? seconds
        switch workload {
        case "A": break
        case "B": outstanding = 64
        case "C": (connections, outstanding) = (8, 32)
        case "D": (payload, outstanding) = (65_536, 8)
        case "E": count = 1_000_000
        case "F": break
        case "G": count = 1000
        case "H": count = 64 << 20
        default: throw Mistake(message: "there is no workload '\(workload)'")
        }
        payload = try take("--payload") { Int($0) } ?? payload
        connections = try take("--conns") { Int($0) } ?? connections
        outstanding = try take("--outstanding") { Int($0) } ?? outstanding
        count = try take("--count") { Int($0) } ?? count
        for (name, limit) in Self.serverLimits {
            guard let value = try take(name, { Int($0) }) else { continue }
            guard value > 0 else { throw Mistake(message: "\(name) is positive") }
            limits[keyPath: limit] = value
        }
        _ = try take("--variant") { $0 }
        let tickets = try take("--resume") { Int($0) } ?? 0
        guard (0...16).contains(tickets) else {
            throw Mistake(message: "--resume takes 0 to 16 tickets")
        }
        if tickets > 0 {
            resumption = TLSResumption()
            resumption.ticketsPerHandshake = tickets
        }
        if let unknown = given.keys.sorted().first {
            throw Mistake(message: "there is no option \(unknown)")
        }
        guard payload >= 0, connections > 0, outstanding > 0, threads > 0, count >= 0 else {
            throw Mistake(message: "counts are positive")
        }
    }
}

import MeshAPI
import RPCRuntime
import Transport

/// Calls for a while and tells how fast it was.
struct BenchClient {
    private let options: BenchOptions
    private let tls: TLSContext
    private let loops: [EventLoop]
    private var loop: EventLoop { loops[0] }

    init(_ options: BenchOptions) throws {
        self.options = options
        tls = try TLSContext.mutual(
            certificate: options.certificates + "/client.pem",
            key: options.certificates + "/client.key", ca: options.certificates + "/ca.pem",
            trustDomain: "biometricflow", isServer: false,
            resumption: options.resumption)
        loops = (0..<options.threads).map { EventLoop(name: "client \($0)") }
    }

    func run() async throws {
        switch options.workload {
        case "E": try await stream()
        case "F": try await setUps()
        case "G": try await idle()
        case "H": try await beside()
        default: try await unary()
        }
    }

    private func dial(_ index: Int = 0) async throws -> RPCConnection {
        try await RPCDialler(
            address: "\(options.host):\(options.port)", tls: tls, loop: loops[index % loops.count],
            options: BenchServer.limits()
        ).connect()
    }

    private func unary() async throws {
        var links: [RPCConnection] = []
        for index in 0..<options.connections { links.append(try await dial(index)) }
        let measurement = Measurement(options)
        // One of each for all callers, as the limit has.
        let request = Payload(data: [UInt8](repeating: 7, count: options.payload))
        let tallies = loops.map { LoopBound(Tally(measurement), on: $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, link) in links.enumerated() {
                let client = Echo.Client(link)
                let tally = tallies[index % tallies.count]
                for _ in 0..<options.outstanding {
                    group.addTask(executorPreference: link.loop) {
                        try await call(client, request, tally)
                    }
                }
            }
            try await group.waitForAll()
        }
        for tally in tallies {
            try await onLoop(tally.loop) { tally.withValue { measurement.add($0) } }
        }
        measurement.report()
    }

    /// Calls one after the other until the measurement is over.
    private func call(
        _ client: Echo.Client, _ request: Payload, _ tally: LoopBound<Tally>
    ) async throws {
        let size = request.data.count
        var start = Measurement.now()
        while true {
            let response = try await client.echo(request)
            precondition(response.data.count == size, "the echo has another size")
            let now = Measurement.now()
            if !tally.withValue({ $0.finished(start, now: now) }) { break }
            start = now
        }
    }

    private func stream() async throws {
        let client = Echo.Client(try await dial())
        let measurement = Measurement(options)
        let request = StreamRequest(count: UInt64(options.count), size: UInt32(options.payload))
        try await onLoop {
            while !measurement.isOver {
                try await client.download(request) { (payloads) throws(RPCError) in
                    // Counted, as the limit counts them: a clock for each would be a tenth of it.
                    var tally = Tally(measurement)
                    var index = 0
                    for try await _ in payloads {
                        index &+= 1
                        if index & 0xFF == 0, !tally.counted(256) { break }
                    }
                    measurement.add(tally)
                }
            }
        }
        measurement.report()
    }

    private func setUps() async throws {
        let measurement = Measurement(options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<options.connections {
                group.addTask(executorPreference: loop) {
                    var tally = Tally(measurement)
                    while true {
                        let start = Measurement.now()
                        let connection = try await dial()
                        let isOver = !tally.finished(start, now: Measurement.now())
                        connection.close()
                        if isOver { break }
                    }
                    measurement.add(tally)
                }
            }
            try await group.waitForAll()
        }
        measurement.report()
    }

    private func idle() async throws {
        let before = ProcessMemory.kilobytes(options.serverPID)
        var connections: [RPCConnection] = []
        for _ in 0..<options.count { connections.append(try await dial()) }
        try await Task.sleep(for: .seconds(options.warm))
        let after = ProcessMemory.kilobytes(options.serverPID)
        let each = fixed(Double(after - before) / Double(options.count), 2)
        print(
            "{\"peer\":\"\(options.peer)\",\"workload\":\"G\",\"idle_conns\":\(connections.count),\"rss_before_kb\":\(before),\"rss_after_kb\":\(after),\"kb_per_conn\":\(each)}"
        )
    }

    /// Small calls on a connection that echoes large messages all the time.
    private func beside() async throws {
        let client = Echo.Client(try await dial())
        let measurement = Measurement(options)
        let request = Payload(data: [UInt8](repeating: 7, count: options.payload))
        let tally = LoopBound(Tally(measurement), on: loop)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: loop) {
                let large = Payload(data: [UInt8](repeating: 7, count: options.count))
                while !measurement.isOver {
                    _ = try await client.echo(large)
                    measurement.background(options.count)
                }
            }
            for _ in 0..<options.outstanding {
                group.addTask(executorPreference: loop) { try await call(client, request, tally) }
            }
            // The first error ends the others.
            while try await group.next() != nil {}
        }
        try await onLoop(loop) { tally.withValue { measurement.add($0) } }
        measurement.report()
    }

    private func onLoop(
        _ loop: EventLoop? = nil, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await Task(executorPreference: loop ?? self.loop) { try await body() }.value
    }
}

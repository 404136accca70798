import Transport
import ZKProtocol

/// Downloads a device's attendance log again and again, and prints the seconds of each round.
///
/// `scripts/bench-zk` sets them beside pyzk's.
enum ZKDownload {
    private static let usage = """
        usage: rpc-bench zk-download --device HOST:PORT [--comm-key N] [--rounds N]

        Prints one line of JSON: {"records": N, "seconds": [S, ...]}. A round is what a poll does:
        counters, the whole log, every row decoded, counters again.
        """

    private struct Mistake: Error {
        var message: String
    }

    private struct Options {
        var address: SocketAddress
        var commKey: UInt32?
        var rounds = 3

        init(_ arguments: [String]) throws {
            var values: [String: String] = [:]
            var rest = arguments[...]
            while let name = rest.popFirst() {
                guard ["--device", "--comm-key", "--rounds"].contains(name),
                    let value = rest.popFirst()
                else { throw Mistake(message: "`\(name)` is not known or has no value") }
                values[name] = value
            }
            guard let device = values["--device"] else {
                throw Mistake(message: "--device is missing")
            }
            address = try SocketAddress(parsing: device)
            if let text = values["--comm-key"] {
                guard let key = UInt32(text) else {
                    throw Mistake(message: "--comm-key is `\(text)`, which is no number")
                }
                commKey = key
            }
            if let text = values["--rounds"] {
                guard let number = Int(text), 1...1000 ~= number else {
                    throw Mistake(message: "--rounds is `\(text)`; wanted is 1 to 1000")
                }
                rounds = number
            }
        }
    }

    /// Runs the command and returns the exit code.
    static func run(_ arguments: [String]) async -> Int32 {
        let options: Options
        do {
            options = try Options(arguments)
        } catch let mistake as Mistake {
            print("rpc-bench zk-download: \(mistake.message)\n\n\(usage)")
            return 2
        } catch {
            print("rpc-bench zk-download: \(error)")
            return 2
        }
        do {
            try await measure(options)
            return 0
        } catch {
            print("rpc-bench zk-download: \(error)")
            return 1
        }
    }

    private static func measure(_ options: Options) async throws {
        let loop = EventLoop(name: "zk-download")
        let clock = ContinuousClock()
        let (count, seconds, processor) = try await withZKClient(
            to: options.address, commKey: options.commKey, on: loop,
            options: ZKClient.Options(now: { clock.now })
        ) { client in
            var count = 0
            var seconds: [Double] = []
            var processor: [Double] = []
            for _ in 0..<options.rounds {
                let start = clock.now
                let processorStart = CPUClock.read(0)
                let read = try await client.attendance()
                // Every row is decoded, so that the work is what pyzk does.
                var people = 0
                for record in read.log where !record.userID.isEmpty { people += 1 }
                count = max(read.log.count, people)
                let spent = start.duration(to: clock.now).components
                seconds.append(Double(spent.seconds) + Double(spent.attoseconds) / 1e18)
                processor.append(Double(CPUClock.read(0) - processorStart) / 1e9)
            }
            return (count, seconds, processor)
        }
        print("{\"records\": \(count), \"seconds\": \(seconds), \"processor\": \(processor)}")
        loop.shutdown()
    }
}

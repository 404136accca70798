import MeshAPI
import RPCRuntime
import Transport

/// Calls of every kind, one after the other, from tasks that prefer no loop.
///
/// A release build leaves changes of a task's executor out where it can, so that such a task may run on
/// a loop's thread for a while and must not rely on staying there: nothing that a debug build shows.
enum CallerCheck {
    private static let tasks = 16
    private static let rounds = 100

    static func run(_ options: BenchOptions) async throws {
        let tls = try TLSContext.mutual(
            certificate: options.certificates + "/client.pem",
            key: options.certificates + "/client.key", ca: options.certificates + "/ca.pem",
            trustDomain: "biometricflow", isServer: false)
        let link = try await RPCDialler(
            address: "\(options.host):\(options.port)", tls: tls, loop: EventLoop(name: "client")
        ).connect()
        let client = Echo.Client(link)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<tasks {
                group.addTask {
                    var sum = 0
                    for _ in 0..<rounds { sum += try await bytes(client) }
                    return sum
                }
            }
            for try await sum in group {
                guard sum == rounds * expected else {
                    throw RPCError(
                        .dataLoss, "a task counted \(sum) where \(rounds * expected) were to come")
                }
            }
        }
        print("\(tasks * rounds) rounds of calls of every kind")
    }

    /// What one round brings.
    private static let expected = 3 + 30 + 3 + 1 + 3 + 3

    private static func bytes(_ client: Echo.Client) async throws(RPCError) -> Int {
        let payload = Payload(data: [1, 2, 3])
        var sum = try await client.echo(payload).data.count
        sum += try await client.download(StreamRequest(count: 3, size: 10)) {
            (payloads) throws(RPCError) in
            var sum = 0
            for try await payload in payloads { sum += payload.data.count }
            return sum
        }
        sum += try await client.echo(payload).data.count
        let seen = try await client.upload { (payloads) throws(RPCError) in
            try await payloads.write(payload)
        }
        sum += Int(clamping: seen.count)
        sum += try await client.echo(payload).data.count
        sum += try await client.chat { (payloads, answers) throws(RPCError) in
            try await payloads.write(payload)
            payloads.finish()
            var sum = 0
            for try await answer in answers { sum += answer.data.count }
            return sum
        }
        return sum
    }
}

import RPCRuntime
import RPCServices
import ServiceKit

extension Session {
    func listLinks() async throws(Failure) -> Terminal.ExitCode {
        try await withIntrospection { introspection throws(Failure) in
            let request = LinksRequest(peer: invocation.value("--peer") ?? "")
            let links = try await call("listing links") { options throws(RPCError) in
                try await introspection.links(request, options) {
                    (reports: MessageStream<LinkReport>) throws(RPCError) -> [LinkReport] in
                    var all: [LinkReport] = []
                    for try await report in reports { all.append(report) }
                    return all
                }
            }
            return try show(links.sorted { ($0.peer, $0.address) < ($1.peer, $1.address) })
        }
    }

    func listFailures() async throws(Failure) -> Terminal.ExitCode {
        try await withIntrospection { introspection throws(Failure) in
            let list = try await call("listing failures") { options throws(RPCError) in
                try await introspection.failures(FailuresRequest(), options)
            }
            return try show(list.failures)
        }
    }

    private func withIntrospection<Result>(
        _ body: (Introspection.Client) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection = try await dial()
        defer { connection.close() }
        return try await body(Introspection.Client(connection))
    }
}

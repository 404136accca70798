import RPCRuntime
import RPCServices
import ServiceKit

extension Session {
    /// Shows a service and every message and enum that its calls carry, as a schema says them.
    func describeService() async throws(Failure) -> Terminal.ExitCode {
        let name = invocation.operands[0]
        return try await withReflection { reflection, _ throws(Failure) in
            let known = try await services(reflection)
            let found = known.filter { $0.name == name || $0.name.hasSuffix(".\(name)") }
            guard let service = found.first, found.count == 1 else {
                let nearest = closest(to: name, in: known.map(\.name))
                throw .missing(
                    "the server has no service `\(name)`",
                    hint: nearest.map { "did you mean `\($0)`?" }
                        ?? "`ctl service list` lists them")
            }
            let description = try await call("describing \(service.name)") {
                options throws(RPCError) in
                try await reflection.describe(DescribeRequest(service: service.name), options)
            }
            try output.data(text(of: service, try schema(description)))
            return .ok
        }
    }

    private func schema(_ description: ServiceDescription) throws(Failure) -> DescriptorSet {
        do throws(DecodingFailure) {
            return try DescriptorSet(decoding: description.descriptorSet)
        } catch {
            throw .answer("the schema of \(description.service.name) cannot be read: \(error)")
        }
    }

    private func text(of service: ServedService, _ schema: DescriptorSet) -> String {
        var lines = ["service \(service.name) {"]
        var types: [String] = []
        for method in service.methods {
            let name = method.name.split(separator: "/").last.map(String.init) ?? method.name
            let (request, response) = schema.types(of: method.name) ?? ("?", "?")
            types += [request, response]
            let deadline = "deadline \(method.deadlineText)"
            lines.append(
                "    \(name)(\(method.streamsRequests ? "stream " : "")\(request)) -> "
                    + "\(method.streamsResponses ? "stream " : "")\(response) "
                    + "{ \(deadline), role \(method.roles.joined(separator: ", ")) }")
        }
        lines.append("}")
        return (lines + schema.declarations(reachableFrom: types)).joined(separator: "\n") + "\n"
    }
}

// Services: what a server implements and what a client calls.

extension SwiftEmitter {
    func service(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.documentation(service.documentation)
        printer.block("public enum \(service.name.name)") { printer in
            descriptor(service, &printer)
            methods(service, &printer)
            serviceProtocol(service, &printer)
            handlers(service, &printer)
            client(service, &printer)
        }
    }

    private func descriptor(_ service: ServiceModel, _ printer: inout Printer) {
        let fingerprint = FNV1a.hash64(compilation.canonicalText(service))
        let methods = service.methods.map { "Method.\(Names.swift($0.name))" }
        printer.line("public static let descriptor = ServiceDescriptor(")
        printer.indented { printer in
            printer.line("name: \"\(service.name)\", fingerprint: \(Self.hex(fingerprint, 16)),")
            printer.line("methods: [")
            printer.indented { printer in
                for method in methods { printer.line("\(method),") }
            }
            printer.line("],")
            printer.line("schema: \"\")")
        }
    }

    private func methods(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// What both ends and the wire must know of each method.")
        printer.block("public enum Method") { printer in
            for method in service.methods {
                let kind = method.isStreaming ? "serverStreaming" : "unary"
                let fingerprint = FNV1a.hash64(compilation.canonicalText(method, of: service))
                let roles = method.roles.map { "\"\($0)\"" }.joined(separator: ", ")
                printer.line("public static let \(Names.swift(method.name)) = MethodDescriptor(")
                printer.indented { printer in
                    printer.line(
                        "name: \"\(service.name)/\(method.name)\", id: \(Self.hex(UInt64(method.id), 8)),"
                    )
                    printer.line(
                        "kind: .\(kind), deadline: \(Self.duration(method.deadlineMilliseconds)), "
                            + "idleLimit: \(Self.duration(method.idleMilliseconds)),")
                    printer.line(
                        "roles: [\(roles)], fingerprint: \(Self.hex(fingerprint, 16)))")
                }
            }
        }
    }

    private func serviceProtocol(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// What a server of `\(service.name.name)` implements.")
        printer.block("public protocol Service: Sendable") { printer in
            for method in service.methods {
                printer.documentation(method.documentation)
                let request = "_ request: \(method.request.name)"
                if method.isStreaming {
                    printer.line("func \(Names.swift(method.name))(")
                    printer.line(
                        "    \(request), to responses: MessageWriter<\(method.response.name)>, "
                            + "_ call: ServerCall")
                    printer.line(") async throws(RPCError)")
                } else {
                    printer.line(
                        "func \(Names.swift(method.name))(\(request), _ call: ServerCall) "
                            + "async throws(RPCError) -> \(method.response.name)")
                }
            }
        }
    }

    private func handlers(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// Joins an implementation to the wire.")
        printer.block("public static func handlers(_ service: some Service) -> ServiceHandlers") {
            printer in
            printer.line("ServiceHandlers(descriptor, [")
            printer.indented { printer in
                for method in service.methods {
                    let name = Names.swift(method.name)
                    let request = method.request.name
                    let response = method.response.name
                    if method.isStreaming {
                        printer.line(".serverStreaming(Method.\(name)) {")
                        printer.line(
                            "    (request: \(request), responses: MessageWriter<\(response)>, call)"
                        )
                        printer.line("    async throws(RPCError) in")
                        printer.line(
                            "    try await service.\(name)(request, to: responses, call)")
                    } else {
                        printer.line(
                            ".unary(Method.\(name)) { (request: \(request), call) "
                                + "async throws(RPCError) -> \(response) in")
                        printer.line("    try await service.\(name)(request, call)")
                    }
                    printer.line("},")
                }
            }
            printer.line("])")
        }
    }

    private func client(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// Calls `\(service.name.name)` at the other end of a connection.")
        printer.block("public struct Client: Sendable") { printer in
            printer.line("private let caller: RPCCaller")
            printer.line()
            printer.line("public init(_ target: some RPCTarget) { caller = target.caller }")
            for method in service.methods {
                printer.line()
                printer.documentation(method.documentation)
                clientMethod(method, &printer)
            }
        }
    }

    private func clientMethod(_ method: MethodModel, _ printer: inout Printer) {
        let name = Names.swift(method.name)
        let parameters =
            "_ request: \(method.request.name), _ options: CallOptions = CallOptions()"
        if method.isStreaming {
            printer.line("public func \(name)<Result>(")
            printer.line("    \(parameters),")
            printer.line(
                "    _ body: (MessageStream<\(method.response.name)>) "
                    + "async throws(RPCError) -> Result")
            printer.line(") async throws(RPCError) -> Result {")
            printer.line(
                "    try await caller.serverStreaming(Method.\(name), request, options, body)")
        } else {
            printer.line("public func \(name)(")
            printer.line("    \(parameters)")
            printer.line(") async throws(RPCError) -> \(method.response.name) {")
            printer.line("    try await caller.unary(Method.\(name), request, options)")
        }
        printer.line("}")
    }

    /// `0x1234_ABCD`.
    static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        let padded = Array(String(repeating: "0", count: Swift.max(0, digits - text.count)) + text)
        let groups = stride(from: 0, to: padded.count, by: 4).map {
            String(padded[$0..<Swift.min($0 + 4, padded.count)])
        }
        return "0x" + groups.joined(separator: "_")
    }

    private static func duration(_ milliseconds: Int64?) -> String {
        guard let milliseconds else { return "nil" }
        return milliseconds % 1000 == 0
            ? ".seconds(\(milliseconds / 1000))" : ".milliseconds(\(milliseconds))"
    }
}

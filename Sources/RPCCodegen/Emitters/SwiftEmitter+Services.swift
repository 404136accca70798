import Foundation

// Services: what a server implements and what a client calls.

extension SwiftEmitter {
    func service(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.documentation(service.documentation, service.deprecated)
        printer.block("public enum \(service.name.name)") { printer in
            descriptor(service, &printer)
            methods(service, &printer)
            serviceProtocol(service, &printer)
            handlers(service, &printer)
            routes(service, &printer)
            client(service, &printer)
        }
    }

    /// What reflection serves; all services of a file share it.
    func descriptorSet(_ schema: Schema, _ printer: inout Printer) {
        let bytes = DescriptorEmitter(compilation: compilation).set([schema])
        var text = Data(bytes).base64EncodedString()[...]
        printer.line()
        printer.line("/// The base64 of a `FileDescriptorSet`: this schema and all it needs.")
        printer.line("private let descriptorSet: StaticString = \"\"\"")
        printer.indented { printer in
            while !text.isEmpty {
                let line = text.prefix(76)
                text = text.dropFirst(line.count)
                printer.line(line + (text.isEmpty ? "" : "\\"))
            }
            printer.line("\"\"\"")
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
            printer.line("schema: descriptorSet)")
        }
    }

    private func methods(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// What both ends and the wire must know of each method.")
        printer.block("public enum Method") { printer in
            for method in service.methods {
                let fingerprint = FNV1a.hash64(compilation.canonicalText(method, of: service))
                let roles = method.roles.map { "\"\($0)\"" }.joined(separator: ", ")
                printer.line("public static let \(Names.swift(method.name)) = MethodDescriptor(")
                printer.indented { printer in
                    printer.line(
                        "name: \"\(service.name)/\(method.name)\", id: \(Self.hex(UInt64(method.id), 8)),"
                    )
                    printer.line(
                        "kind: .\(method.kind.rawValue), deadline: \(Self.duration(method.deadlineMilliseconds)), "
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
                printer.documentation(method.documentation, method.deprecated)
                serviceMethod(method, &printer)
            }
        }
    }

    private func serviceMethod(_ method: MethodModel, _ printer: inout Printer) {
        let name = Names.swift(method.name)
        let request = method.request.name
        let response = method.response.name
        let requests =
            method.kind.streamsRequests
            ? "_ requests: MessageStream<\(request)>" : "_ request: \(request)"
        if method.kind == .clientStreaming {
            printer.line("func \(name)(")
            printer.line("    \(requests), _ call: ServerCall")
            printer.line(") async throws(RPCError) -> \(response)")
        } else if method.kind.streamsResponses {
            printer.line("func \(name)(")
            let writer = "to responses: MessageWriter<\(response)>,"
            if method.kind == .bidirectional {
                printer.line("    \(requests), \(writer)")
                printer.line("    _ call: ServerCall")
            } else {
                printer.line("    \(requests), \(writer) _ call: ServerCall")
            }
            printer.line(") async throws(RPCError)")
        } else {
            printer.line(
                "func \(name)(\(requests), _ call: ServerCall) "
                    + "async throws(RPCError) -> \(response)")
        }
    }

    private func handlers(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// Joins an implementation to the wire.")
        // Inlinable, so that the handlers are compiled for the service's own type.
        printer.line("@inlinable")
        printer.block("public static func handlers(_ service: some Service) -> ServiceHandlers") {
            printer in
            printer.line("ServiceHandlers(descriptor, [")
            printer.indented { printer in
                for method in service.methods {
                    handler(method, &printer)
                }
            }
            printer.line("])")
        }
    }

    private func handler(_ method: MethodModel, _ printer: inout Printer) {
        let name = Names.swift(method.name)
        let response = method.response.name
        let input = method.kind.streamsRequests ? "requests" : "request"
        let type =
            method.kind.streamsRequests
            ? "MessageStream<\(method.request.name)>" : method.request.name
        let output =
            method.kind.streamsResponses ? ", responses: MessageWriter<\(response)>" : ""
        let parameters = "(\(input): \(type)\(output), call)"
        let result = method.kind.streamsResponses ? "" : " -> \(response)"
        let opening = ".\(method.kind.rawValue)(Method.\(name)) {"
        if method.kind == .unary {
            printer.line("\(opening) \(parameters) async throws(RPCError)\(result) in")
        } else {
            printer.line(opening)
            printer.line("    \(parameters)")
            printer.line("    async throws(RPCError)\(result) in")
        }
        let responses = method.kind.streamsResponses ? "to: responses, " : ""
        printer.line("    try await service.\(name)(\(input), \(responses)call)")
        printer.line("},")
    }

    private func client(_ service: ServiceModel, _ printer: inout Printer) {
        printer.line()
        printer.line("/// Calls `\(service.name.name)` at the other end of a connection.")
        printer.block("public struct Client: Sendable") { printer in
            printer.line("@usableFromInline let caller: RPCCaller")
            printer.line()
            printer.line("public init(_ target: some RPCTarget) { caller = target.caller }")
            for method in service.methods {
                printer.line()
                printer.documentation(method.documentation)
                if let text = method.deprecated {
                    printer.line("@available(*, deprecated, message: \(Self.quoted(text)))")
                }
                clientMethod(method, &printer)
            }
        }
    }

    private func clientMethod(_ method: MethodModel, _ printer: inout Printer) {
        let name = Names.swift(method.name)
        let response = method.response.name
        let options = "_ options: CallOptions = CallOptions()"
        let request = "_ request: \(method.request.name), "
        let writer = "MessageWriter<\(method.request.name)>"
        let stream = "MessageStream<\(response)>"
        // The parameters, the last of which is the closure where there is one, and what is given on.
        let (parameters, closure, arguments): (String, String?, String) =
            switch method.kind {
            case .unary: (request + options, nil, "request, options")
            case .serverStreaming:
                (request + options, "_ body: (\(stream))", "request, options, body")
            case .clientStreaming: (options, "_ send: (\(writer))", "options, send")
            case .bidirectional: (options, "_ body: (\(writer), \(stream))", "options, body")
            }
        let generic = method.kind.streamsResponses
        printer.line("@inlinable @inline(__always)")
        printer.line("public func \(name)\(generic ? "<Result>" : "")(")
        printer.line("    \(parameters)\(closure == nil ? "" : ",")")
        if let closure {
            let effects = "async throws(RPCError) -> \(generic ? "Result" : "Void")"
            if method.kind == .bidirectional {
                printer.line("    \(closure)")
                printer.line("        \(effects)")
            } else {
                printer.line("    \(closure) \(effects)")
            }
        }
        printer.line(") async throws(RPCError) -> \(generic ? "Result" : response) {")
        printer.line(
            "    try await caller.\(method.kind.rawValue)(Method.\(name), \(arguments))")
        printer.line("}")
    }

    /// A string literal of Swift.
    static func quoted(_ text: String) -> String {
        let escaped = text.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : String($0) }.joined()
        return "\"\(escaped)\""
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

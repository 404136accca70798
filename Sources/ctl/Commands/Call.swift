import RPCRuntime
import RPCServices
import ServiceKit

/// Services of a server that say themselves what they are: `ctl service` and `ctl call`.
extension Session {
    // MARK: Services

    func listServices() async throws(Failure) -> Terminal.ExitCode {
        try await withReflection { reflection, _ throws(Failure) in
            let services = try await self.services(reflection)
            var listing = Listing<MethodRow>(output)
            let times = Times(isUTC: true)
            try listing.begin(times)
            try listing.page(
                services.flatMap { service in service.methods.map { MethodRow($0) } }, times)
            try listing.end(Array("{\"data\":[]}".utf8))
            return .ok
        }
    }

    func services(_ reflection: Reflection.Client) async throws(Failure) -> [ServedService] {
        try await call("listing services") { options throws(RPCError) in
            try await reflection.list(ServicesRequest(), options).services
        }
    }

    // MARK: Calls

    /// Calls a method with messages in JSON, and shows its answers in JSON, one a line.
    func callMethod() async throws(Failure) -> Terminal.ExitCode {
        try await withReflection { reflection, connection throws(Failure) in
            let method = try await find(invocation.operands[0], reflection)
            let (request, response) = method.types
            let requests = try self.requests(method, request)
            let caller = DynamicCaller(
                caller: connection.caller, method: method.descriptor, options: try callOptions())
            try await call("calling \(method.descriptor.name)") { () throws(Failure) in
                try await caller.run(requests) { (message) throws(Failure) in
                    let json: [UInt8]
                    do throws(DecodingFailure) {
                        json = try method.codec.json(
                            message, as: response, writesDefaults: invocation.flag("--defaults"))
                    } catch {
                        throw .answer("\(method.descriptor.name) answered with \(error)")
                    }
                    try output.data(String(decoding: json, as: UTF8.self) + "\n")
                }
            }
            return .ok
        }
    }

    /// The messages that the command line or the standard input says.
    private func requests(
        _ method: DynamicMethod, _ type: String
    ) throws(Failure) -> [RawMessage] {
        let isOperand = invocation.operands.count > 1 && invocation.operands[1] != "-"
        var text = invocation.operands.count > 1 ? invocation.operands[1] : "{}"
        if invocation.operands.count > 1, !isOperand { text = surroundings.read() }
        guard text.utf8.count <= Surroundings.inputBytesMax else {
            throw .usage("the input has more than \(Surroundings.inputBytesMax >> 20) MiB")
        }
        // A stream has a message in each line; one message may have many lines.
        let texts =
            method.streamsRequests
            ? text.split(separator: "\n").map(String.init).filter { !$0.isBlank } : [text]
        var messages: [RawMessage] = []
        for (index, text) in texts.enumerated() {
            do throws(DecodingFailure) {
                messages.append(try method.codec.encode(Array(text.utf8), as: type))
            } catch {
                let place = method.streamsRequests ? "message \(index + 1): " : ""
                let hint = "`ctl service describe \(method.service)` shows \(type)"
                throw .usage("\(place)\(error)", hint: hint)
            }
        }
        return messages
    }

    private func callOptions() throws(Failure) -> CallOptions {
        var options = CallOptions(timeout: settings.timeout)
        var metadata = Metadata()
        for entry in invocation.values("--metadata") {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw .usage("--metadata is `\(entry)`; wanted is KEY=VALUE")
            }
            metadata.append(String(parts[0]), text: String(parts[1]))
        }
        if !metadata.isEmpty { options.metadata = metadata }
        return options
    }

    /// The method of `package.Service/method`, or of `Service/method` where only one is called so.
    private func find(
        _ name: String, _ reflection: Reflection.Client
    ) async throws(Failure) -> DynamicMethod {
        let services = try await self.services(reflection)
        let all = services.flatMap(\.methods)
        let found = all.filter { $0.name == name || $0.name.hasSuffix(".\(name)") }
        guard let method = found.first, found.count == 1 else {
            if found.count > 1 {
                let names = found.map { "`\($0.name)`" }.joined(separator: ", ")
                throw .usage("`\(name)` may be \(names)")
            }
            let names = all.map(\.name)
            let nearest = closest(to: name, in: names + names.map(Self.short))
            throw .missing(
                "the server has no method `\(name)`",
                hint: nearest.map { "did you mean `\($0)`?" } ?? "`ctl service list` lists them")
        }
        let service = String(method.name.prefix { $0 != "/" })
        let description = try await call("describing \(service)") { options throws(RPCError) in
            try await reflection.describe(DescribeRequest(service: service), options)
        }
        do throws(DecodingFailure) {
            if let method = try DynamicMethod(method, service, description.descriptorSet) {
                return method
            }
        } catch {
            throw .answer("the schema of \(service) cannot be read: \(error)")
        }
        throw .answer("the schema of \(service) lacks the messages of \(method.name)")
    }

    /// `package.Service/method` without the package.
    private static func short(_ name: String) -> String {
        let service = name.prefix { $0 != "/" }
        let start = service.lastIndex(of: ".").map(name.index(after:)) ?? name.startIndex
        return String(name[start...])
    }

    func withReflection<Result>(
        _ body: (Reflection.Client, RPCConnection) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection = try await dial()
        defer { connection.close() }
        return try await body(Reflection.Client(connection), connection)
    }

    /// Runs what ends with a failed call or with a failure of our own.
    private func call(
        _ stage: String, _ body: () async throws(Failure) -> Result<Void, RPCError>
    ) async throws(Failure) {
        if case .failure(let error) = try await body() {
            throw .call(error, stage, settings.gateway)
        }
    }
}

/// A method as its server describes it.
struct DynamicMethod: Sendable {
    let service: String
    let descriptor: MethodDescriptor
    let codec: DynamicCodec
    let types: (request: String, response: String)

    var streamsRequests: Bool {
        descriptor.kind == .clientStreaming || descriptor.kind == .bidirectional
    }

    /// Nil where the schema has not all that the method needs.
    init?(
        _ method: ServedMethod, _ service: String, _ schema: [UInt8]
    ) throws(DecodingFailure) {
        let schema = try DescriptorSet(decoding: schema)
        codec = DynamicCodec(schema)
        guard let types = schema.types(of: method.name), codec.hasMessage(types.request),
            codec.hasMessage(types.response)
        else { return nil }
        self.service = service
        self.types = types
        descriptor = MethodDescriptor(
            name: method.name, id: method.number, kind: method.kind, deadline: method.deadline,
            idleLimit: method.deadline == nil ? method.idleLimit ?? .seconds(60) : nil,
            roles: method.roles, fingerprint: method.fingerprint)
    }
}

extension ServedMethod {
    var kind: MethodKind {
        switch (streamsRequests, streamsResponses) {
        case (false, false): .unary
        case (false, true): .serverStreaming
        case (true, false): .clientStreaming
        case (true, true): .bidirectional
        }
    }
}

/// A call whose messages are known only when it runs.
private struct DynamicCaller {
    let caller: RPCCaller
    let method: MethodDescriptor
    let options: CallOptions

    /// Sends all requests and shows each answer; how the call ended.
    func run(
        _ requests: [RawMessage], _ show: (RawMessage) throws(Failure) -> Void
    ) async throws(Failure) -> Result<Void, RPCError> {
        var stop: Failure?
        func present(_ message: RawMessage) throws(RPCError) {
            do throws(Failure) { try show(message) } catch {
                stop = error
                throw RPCError(.cancelled, "the answer cannot be shown")
            }
        }
        do throws(RPCError) {
            switch method.kind {
            case .unary:
                try present(try await caller.unary(method, requests.first ?? RawMessage(), options))
            case .serverStreaming:
                try await caller.serverStreaming(
                    method, requests.first ?? RawMessage(), options
                ) { (answers: MessageStream<RawMessage>) throws(RPCError) in
                    for try await answer in answers { try present(answer) }
                }
            case .clientStreaming:
                let answer: RawMessage = try await caller.clientStreaming(method, options) {
                    (writer: MessageWriter<RawMessage>) throws(RPCError) in
                    for request in requests { try await writer.write(request) }
                }
                try present(answer)
            case .bidirectional:
                try await caller.bidirectional(method, options) {
                    (writer: MessageWriter<RawMessage>, answers: MessageStream<RawMessage>)
                        throws(RPCError) in
                    async let sent: Void = Self.send(requests, writer)
                    for try await answer in answers { try present(answer) }
                    await sent
                }
            }
        } catch {
            if let stop { throw stop }
            return .failure(error)
        }
        return .success(())
    }

    /// Sends all requests; why it cannot go on, the answers say.
    private static func send(
        _ requests: [RawMessage], _ writer: MessageWriter<RawMessage>
    ) async {
        do throws(RPCError) {
            for request in requests { try await writer.write(request) }
            writer.finish()
        } catch {}
    }
}

extension String {
    var isBlank: Bool { allSatisfy(\.isWhitespace) }
}

import MeshAPI
import RPCRuntime
import ZKProtocol

// Templates are in this process's memory while they travel, and nowhere else: not in the store, in
// logs or in answers.
extension DeviceCommands {
    /// Fingerprints on their way, by user id.
    private struct Parcel: Sendable {
        /// The version of the algorithm that made them.
        var algorithm: String
        var templates: [String: [FingerTemplate]] = [:]
    }

    func copyTemplates(
        _ request: CopyTemplatesRequest, to responses: MessageWriter<CopyProgress>,
        _ call: ServerCall
    ) async throws(RPCError) {
        try check(location: request.location)
        guard templates == .copy else {
            throw RPCError(
                .failedPrecondition,
                "fingerprints stay where they are: `templates` is `forbidden` in the location's "
                    + "configuration, and `copy` allows it", command: .notSent)
        }
        let (source, target) = (try find(request.from), try find(request.to))
        guard source.settings.name != target.settings.name else {
            throw RPCError(
                .invalidArgument, "both are the terminal `\(source.settings.name)`",
                command: .notSent)
        }
        let users = Set(request.users)
        let whose = users.isEmpty ? "all" : users.sorted().joined(separator: " ")
        let (from, to) = (source.settings.name, target.settings.name)
        let parcel = try await change(
            source, Order(command: "templates-read", arguments: "to=\(to) users=\(whose)"), call
        ) { client, contact, run in
            try run.willSend()
            return try await Self.pack(client, users)
        }.0
        let news = ProgressLine<CopyProgress>()
        let order = Order(command: "templates-write", arguments: "from=\(from) users=\(whose)")
        let summary = try await news.relay(to: responses) { () async throws(RPCError) in
            let (summary, receipt) = try await change(target, order, call) {
                client, contact, run in
                try await Self.deliver(parcel, client, run, news)
            }
            var whole = summary
            whole.receipt = receipt
            return whole
        }
        let total = summary.people + summary.failed
        try await responses.write(CopyProgress(done: total, total: total, summary: summary))
    }

    private static func pack(_ client: ZKClient, _ users: Set<String>) async throws -> Parcel {
        var parcel = Parcel(algorithm: try await client.option("~ZKFPVersion") ?? "")
        let people = try await client.users().filter {
            users.isEmpty || users.contains($0.userID)
        }
        let owners = Dictionary(people.map { ($0.uid, $0.userID) }) { first, _ in first }
        for template in try await client.templates() {
            guard let owner = owners[template.uid] else { continue }
            parcel.templates[owner, default: []].append(template)
        }
        for user in users where parcel.templates[user] == nil { parcel.templates[user] = [] }
        return parcel
    }

    private static func deliver(
        _ parcel: Parcel, _ client: ZKClient, _ run: CommandRun, _ news: ProgressLine<CopyProgress>
    ) async throws -> CopySummary {
        let algorithm = try await client.option("~ZKFPVersion") ?? ""
        guard algorithm == parcel.algorithm, !algorithm.isEmpty else {
            throw RPCError(
                .failedPrecondition,
                "the algorithms differ: the templates are of version `\(parcel.algorithm)`, and "
                    + "this terminal has `\(algorithm)`", command: .notSent)
        }
        let indexes = Dictionary(try await client.users().map { ($0.userID, $0.uid) }) { a, _ in a }
        var summary = CopySummary()
        for (number, userID) in parcel.templates.keys.sorted().enumerated() {
            var progress = CopyProgress(
                done: UInt32(clamping: number + 1),
                total: UInt32(clamping: parcel.templates.count),
                userID: userID.clipped(toBytes: 64))
            do {
                progress.templates = try await deliver(
                    parcel.templates[userID] ?? [], to: indexes[userID], client, run)
                summary.people += 1
                summary.templates += progress.templates
            } catch let error as Undelivered {
                progress.failure = error.why
                summary.failed += 1
            } catch let error as ZKError where error.code == .refused || error.code == .unfit {
                progress.failure = error.description.clipped(toBytes: 1024)
                summary.failed += 1
            }
            news.tell(progress)
        }
        return summary
    }

    /// Why a person's templates were not even tried.
    private struct Undelivered: Error { var why: String }

    private static func deliver(
        _ templates: [FingerTemplate], to index: UInt16?, _ client: ZKClient, _ run: CommandRun
    ) async throws -> UInt32 {
        guard !templates.isEmpty else { throw Undelivered(why: "has no fingerprint to copy") }
        guard let index else { throw Undelivered(why: "is not in the other terminal") }
        var count: UInt32 = 0
        for template in templates {
            try run.willSend()
            var moved = template
            moved.uid = index
            try await client.write(moved)
            count += 1
        }
        return count
    }
}

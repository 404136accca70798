import ServiceKit

/// How terminals that push are received.
struct PushConfiguration: Sendable {
    /// Who lets a terminal push that the configuration does not name.
    enum Approval: String, CaseIterable, Sendable {
        /// A person does, once, for each.
        case `operator`
        /// Nobody has to: whoever can reach the port is believed.
        case everyone
    }

    /// `host:port`.
    var listen: String
    var approval = Approval.operator
    /// Bytes of one request's body.
    var bodyMax = 16 << 20
    /// Bytes of all bodies that are being received at once.
    var memoryMax = 64 << 20
    var requestsPerMinute = 600
    /// What `pushcommkey` must be in a handshake; nil where it is not looked at.
    var commKey: Secret?
    /// How often terminals are told to ask for commands.
    var pollSeconds = 10
    /// How long terminals are told to wait after a failure.
    var errorSeconds = 60
    /// How often a terminal's log is held against the store.
    var proofSeconds = 300

    init(listen: String) { self.listen = listen }

    /// The section `push`; nil where it is absent.
    static func read(_ root: Configuration) throws(ConfigurationError) -> PushConfiguration? {
        guard try root.has("push") else { return nil }
        let section = try root.section("push")
        let listen = try section.string("listen", max: 256)
        guard let colon = listen.lastIndex(of: ":"), colon != listen.startIndex,
            UInt16(listen[listen.index(after: colon)...]) != nil
        else { throw section.error("listen", "is `\(listen)`; wanted is host:port") }
        var push = PushConfiguration(listen: listen)
        push.approval = try section.choice("approve", default: .operator)
        push.bodyMax = try section.integer(
            "bodyMaxBytes", default: push.bodyMax, in: 65_536...(256 << 20))
        push.memoryMax = try section.integer(
            "memoryMaxBytes", default: max(push.memoryMax, push.bodyMax),
            in: push.bodyMax...(4 << 30))
        push.requestsPerMinute = try section.integer(
            "requestsPerMinute", default: push.requestsPerMinute, in: 6...1_000_000)
        push.commKey = try section.optionalSecret("commKeyFile")
        push.pollSeconds = try section.integer(
            "pollSeconds", default: push.pollSeconds, in: 1...60)
        push.errorSeconds = try section.integer(
            "errorSeconds", default: push.errorSeconds, in: 1...300)
        push.proofSeconds = try section.integer(
            "proofSeconds", default: push.proofSeconds, in: 10...86_400)
        return push
    }
}

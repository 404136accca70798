import Transport

/// What a peer may call, by method number: open addressing, so that finding one costs no hashing.
struct RouteTable {
    struct Route {
        let handler: MethodHandler
        /// Whether this peer's role may call it.
        let isAllowed: Bool
    }

    private var numbers: [UInt32]
    private var routes: [Route?]

    init() { (numbers, routes) = ([0], [nil]) }

    init(_ methods: [MethodHandler], _ peer: PeerIdentity) {
        var size = 4
        while size < methods.count * 2 { size *= 2 }
        numbers = Array(repeating: 0, count: size)
        routes = Array(repeating: nil, count: size)
        for handler in methods {
            var slot = Int(handler.method.id) & (size - 1)
            while routes[slot] != nil { slot = (slot + 1) & (size - 1) }
            numbers[slot] = handler.method.id
            let roles = handler.method.roles
            routes[slot] = Route(
                handler: handler,
                isAllowed: roles.contains(peer.role) || roles.contains("any"))
        }
    }

    func route(_ number: UInt32) -> Route? {
        var slot = Int(number) & (numbers.count - 1)
        while let route = routes[slot] {
            if numbers[slot] == number { return route }
            slot = (slot + 1) & (numbers.count - 1)
        }
        return nil
    }
}

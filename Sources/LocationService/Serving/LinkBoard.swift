import Synchronization
import Transport

/// Which gateways are linked, for whoever asks.
final class LinkBoard: Sendable {
    struct Link: Sendable {
        var address: String
        var isUp: Bool
        /// Who is at the other end, or why nobody is.
        var detail: String
    }
    private let links: Lock<[Link]>

    init(_ addresses: [String]) {
        links = Lock(addresses.map { Link(address: $0, isUp: false, detail: "not yet dialled") })
    }

    var all: [Link] { links.withLock { $0 } }

    func set(_ address: String, isUp: Bool, _ detail: String) {
        links.withLock { links in
            guard let index = links.firstIndex(where: { $0.address == address }) else { return }
            links[index] = Link(address: address, isUp: isUp, detail: detail)
        }
    }
}

import MeshAPI
import RPCRuntime
import ServiceKit
import Transport
import ZKProtocol

extension DeviceCommands {
    func discover(
        _ request: DiscoverRequest, to responses: MessageWriter<Discovery>, _ call: ServerCall
    ) async throws(RPCError) {
        try check(location: request.location)
        let range = try AddressRange(request.network)
        let port = request.port == 0 ? 4370 : UInt16(clamping: request.port)
        var key: UInt32?
        if !request.commKey.isEmpty {
            guard let number = UInt32(request.commKey) else {
                throw RPCError(
                    .invalidArgument, "the comm key is no number from 0 to 4294967295",
                    command: .notSent)
            }
            key = number
        }
        let search = TerminalSearch(
            commKey: key, loop: loop, steady: surroundings.steady,
            known: board.statuses.map(\.device),
            inSession: await board.addressesInSession(on: loop))
        let news = ProgressLine<Discovery>()
        log.info(
            "search for terminals",
            ["network": request.network, "port": port, "by": Requester(call).principal])
        try await news.relay(to: responses) { () async throws(RPCError) in
            let total = UInt32(clamping: range.count)
            var probed: UInt32 = 0
            await search.run(range, port) { found in
                probed += 1
                // Most addresses have nobody; each hundredth says how far it is.
                if found != nil || probed % 100 == 0 || probed == total {
                    news.tell(Discovery(probed: probed, total: total, found: found))
                }
                return true
            }
        }
    }
}

import Transport

extension RPCConnection {
    /// What a connection holds at one moment, for the checks of simulations.
    package struct Inspection: Sendable, Equatable, CustomStringConvertible {
        package var streams: Int
        package var served: Int
        /// Payload bytes that may be sent to the peer.
        package var sendCredit: Int
        /// Payload bytes that the peer may send.
        package var receiveCredit: Int
        /// Received bytes that are not credited back yet.
        package var creditOwed: Int
        /// What `receiveCredit` and `creditOwed` come to when nothing is on its way.
        package var window: Int
        package var reassemblyBytes: Int
        package var backlogs: Int

        package var description: String {
            "\(streams) streams, \(served) served, credit \(sendCredit) to send and "
                + "\(receiveCredit) + \(creditOwed) of \(window) to receive, "
                + "\(reassemblyBytes) bytes in parts, \(backlogs) backlogs"
        }
    }

    /// Looks into an open connection; nil at its end.
    ///
    /// Only on the loop.
    package func inspect() -> Inspection? {
        state.withValue { state -> Inspection? in
            guard state.core.phase == .open else { return nil }
            return Inspection(
                streams: state.core.streams.count, served: state.core.servedCount,
                sendCredit: state.core.sendCredit, receiveCredit: state.core.receiveCredit,
                creditOwed: state.core.window.owed + state.core.withheld,
                window: state.core.window.size,
                reassemblyBytes: state.core.account.reassemblyBytes,
                backlogs: state.core.sendQueue.count)
        }
    }
}

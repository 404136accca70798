public import Transport

extension ZKClient {
    /// Finds out how the device at `address` is reached.
    ///
    /// TCP is tried first; where it is refused, or has not come about for `patience`, UDP is tried
    /// beside it, and the first that works is the answer. No ping is sent: firewalls drop it where
    /// they let the protocol through.
    ///
    /// Throws `.unreachable` with what became of both.
    public static func probe(
        _ address: SocketAddress, on loop: EventLoop, options: Options,
        patience: Duration = .seconds(1)
    ) async throws(ZKError) -> ZKTransport {
        let isRefused = Waker()
        let (found, causes) = await withTaskGroup(of: Attempt.self) { group in
            group.addTask {
                do throws(TransportError) {
                    let stream = try await ByteStream.connect(
                        to: address, on: loop, timeout: options.connectTimeout)
                    stream.close()
                    return .reached(.tcp)
                } catch {
                    isRefused.wake()
                    return .failed(error.code == .cancelled ? "" : error.message)
                }
            }
            group.addTask {
                guard (try? await loop.sleep(for: patience, waker: isRefused)) != nil else {
                    return .failed("")
                }
                do throws(ZKError) {
                    // No key is sent: it is enough that somebody answers.
                    let client = try await ZKClient.connect(
                        to: address, over: .udp, commKey: nil, on: loop, options: options)
                    await client.close()
                } catch {
                    switch error.code {
                    case .unreachable, .timedOut, .closed, .cancelled:
                        return .failed(error.cause)
                    default: break
                    }
                }
                return .reached(.udp)
            }
            var causes: [String] = []
            for await attempt in group {
                switch attempt {
                case .reached(let transport):
                    group.cancelAll()
                    return (Optional(transport), causes)
                case .failed(let cause): if !cause.isEmpty { causes.append(cause) }
                }
            }
            return (nil, causes)
        }
        if let found { return found }
        if isCurrentTaskCancelled {
            throw ZKError(
                .cancelled, device: address.description, command: nil, "cancelled")
        }
        throw ZKError(
            .unreachable, device: address.description, command: nil,
            causes.joined(separator: "; "))
    }

    private enum Attempt: Sendable {
        case reached(ZKTransport)
        case failed(String)
    }
}

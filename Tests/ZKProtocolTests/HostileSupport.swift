import Synchronization
import Transport

@testable import ZKProtocol
@testable import zk_simulator

/// A device and one session with it, for scripts that start from honest answers.
final class LockedState: Sendable {
    private let state: Lock<(device: Device, session: Session)>

    init(_ device: Device) { state = Lock((device, Session(number: 1))) }

    func handle(_ packet: Packet) -> Session.Reaction {
        if packet.command == .ok { return Session.Reaction() }
        return state.withLock { $0.session.handle(packet, &$0.device, .test) }
    }
}

/// Damages some frames as a seed says.
///
/// The damage is to what the checksum protects, to lengths and to order; a frame whose sum still
/// matches is an honest one.
final class Damage: Sendable {
    private let generator: Lock<SeededGenerator>

    init(seed: UInt64) { generator = Lock(SeededGenerator(seed: seed, part: 99)) }

    func apply(to packet: Packet) -> [UInt8] {
        generator.withLock { generator in
            var frame = packet.frame()
            guard generator.chance(15) else { return frame }
            switch generator.below(6) {
            case 0: frame.removeLast(1 + generator.below(frame.count))
            case 1: frame[generator.below(frame.count)] ^= UInt8(1 << generator.below(8))
            case 2: frame += frame
            case 3: frame = []
            case 4: frame.append(UInt8(generator.below(256)))
            default:
                frame = Packet(
                    Command(rawValue: UInt16(generator.below(65_536))), session: packet.session,
                    reply: packet.reply, data: packet.data
                ).frame()
            }
            return frame
        }
    }
}

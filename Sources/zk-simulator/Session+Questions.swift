import ZKProtocol

extension Session {
    func handleQuestion(_ packet: Packet, _ device: inout Device, _ now: Now) -> Reaction {
        let model = device.model
        switch packet.command {
        case .readOption:
            let name = DeviceText.decode(packet.data, model.encoding)
            guard let value = device.settings[name] else { return answer(packet, .error) }
            let option = DeviceOption(name: name, value: value)
            return answer(packet, .ok, option.encoded(model.encoding))
        case .writeOption:
            guard let option = try? DeviceOption(decoding: packet.data, model.encoding),
                device.write(option)
            else { return answer(packet, .error) }
            return answer(packet, .ok)
        case .version: return answer(packet, .ok, Array(model.firmware.utf8) + [0])
        case .freeSizes:
            return answer(packet, .ok, device.sizes.encoded(bytes: model.sizesBytes))
        case .pinWidth:
            // Exactly one byte: more would stay in the sockets of clients in use.
            return answer(packet, .ok, [UInt8(model.pinWidth)])
        case .getTime: return answer(packet, .ok, device.time(now).packed.littleEndianBytes)
        case .setTime:
            guard packet.data.count >= 4 else { return answer(packet, .badData) }
            let isSet = device.clock.set(
                LocalTime(packed: packet.data.span.number(at: 0)), trueTime: now.trueTime,
                placeTime: now.placeTime)
            if isSet { device.note(.timeSet, at: now) }
            return answer(packet, isDone: isSet)
        case .state:
            // The state stands in the place of the session.
            let state = enrolment == nil ? DeviceState.waiting : .enrolling
            return Reaction(
                packets: [Packet(.ok, session: state.rawValue, reply: packet.reply)])
        case .doorState: return answer(packet, .ok, [device.memory.isDoorOpen ? 1 : 0])
        default: return answer(packet, .error)
        }
    }
}

public import HTTP
public import MeshAPI
import RPCRuntime

// The JSON form of what the fleet answers, at the edge and in `ctl -o json` alike. Every document
// always has the same members.

extension LocationList {
    /// The whole document.
    public var json: [UInt8] {
        envelope(nextCursor: nil, complete: complete, asOf: asOf, sources: sources) { json in
            for location in locations { location.write(to: &json) }
        }
    }
}

extension DeviceList {
    /// The whole document.
    public var json: [UInt8] {
        envelope(nextCursor: nil, complete: complete, asOf: asOf, sources: sources) { json in
            for device in devices { device.write(to: &json) }
        }
    }
}

extension PunchPage {
    /// The whole document.
    public var json: [UInt8] {
        envelope(nextCursor: nextCursor, complete: complete, asOf: asOf, sources: sources) {
            json in
            for punch in punches { punch.write(to: &json) }
        }
    }
}

private func envelope(
    nextCursor: String?, complete: Bool, asOf: Timestamp, sources: [Source],
    _ data: (inout DocumentWriter) -> Void
) -> [UInt8] {
    var json = DocumentWriter()
    json.object { json in
        json.key("data")
        json.array(data)
        json.member("next_cursor", nextCursor)
        json.member("complete", complete)
        json.member("as_of", asOf.description)
        json.key("sources")
        json.array { json in
            for source in sources {
                json.object { json in
                    json.member("location", source.location)
                    json.member("state", source.state.word)
                    json.member("complete_through", source.completeThrough)
                    json.member("last_sequence", source.lastSequence)
                }
            }
        }
    }
    return json.bytes
}

extension LocationState {
    /// Writes one element of a document's `data`.
    public func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("name", name)
            json.member("state", state.word)
            json.member("cause", cause.isEmpty ? nil : cause)
            json.member("zone", zone)
            json.member("log_id", hexadecimal(logID))
            json.member("last_sequence", lastSequence)
            json.member("announced_sequence", announcedSequence)
            json.member("complete_through", completeThrough)
            json.member("last_contact", lastContact)
            json.member("address", address.isEmpty ? nil : address)
            json.member("devices", devices)
            json.member("punches", punches)
        }
    }
}

extension LocatedDevice {
    /// Writes one element of a document's `data`.
    public func write(to json: inout DocumentWriter) {
        let device = status.device
        json.object { json in
            json.member("location", location)
            json.member("serial", device.serial)
            json.member("name", device.name)
            json.member("platform", device.platform)
            json.member("firmware", device.firmware)
            json.member("address", device.address)
            json.member("active", device.active)
            json.member("clock_mode", device.clockMode)
            json.member("poll_interval_seconds", device.pollIntervalSeconds)
            json.member("state", status.state.word)
            json.member("cause", status.cause.isEmpty ? nil : status.cause)
            json.member("last_contact", status.lastContact)
            json.member("next_attempt", status.nextAttempt)
            json.member("complete_through", status.completeThrough)
            json.member("punches", status.punches)
            json.member("records_on_device", status.recordsOnDevice)
            json.member("records_capacity", status.recordsCapacity)
            json.member("users", status.users)
            json.member("clock_offset_milliseconds", status.clockOffsetMilliseconds)
            json.member("clock_measured_at", status.clockMeasuredAt)
        }
    }
}

extension StoredPunch {
    /// Writes one element of a document's `data`.
    public func write(to json: inout DocumentWriter) {
        json.object { json in
            json.member("sequence", sequence)
            json.member("location", location)
            json.member("device", punch.device)
            json.member("user", punch.user)
            json.member("resolved_user", punch.resolvedUser.isEmpty ? nil : punch.resolvedUser)
            json.member("local_time", punch.localTime)
            json.member("instant", punch.instant)
            json.member("state", punch.state)
            json.member("state_name", Self.stateName(punch.state))
            json.member("verify", punch.verify)
            json.member("work_code", punch.workCode)
            json.member("source", punch.source.word)
            json.member("received_at", punch.receivedAt)
        }
    }

    /// The words for the states that terminals have; others are `other`.
    public static func stateName(_ state: UInt32) -> String {
        switch state {
        case 0: "check_in"
        case 1: "check_out"
        case 2: "break_out"
        case 3: "break_in"
        case 4: "overtime_in"
        case 5: "overtime_out"
        case 255: "unknown"
        default: "other"
        }
    }
}

extension DocumentWriter {
    fileprivate mutating func member(_ name: String, _ value: Timestamp?) {
        member(name, value?.description)
    }
}

extension LinkState {
    /// The word for it in documents.
    public var word: String {
        switch self {
        case .linked: "linked"
        case .unreachable: "unreachable"
        case .conflict: "conflict"
        case .unknown, .unrecognized: "unknown"
        }
    }
}

extension DeviceState {
    /// The word for it in documents.
    public var word: String {
        switch self {
        case .connecting: "connecting"
        case .online: "online"
        case .failing: "failing"
        case .stopped: "stopped"
        case .unknown, .unrecognized: "unknown"
        }
    }
}

extension PunchSource {
    /// The word for it in documents.
    public var word: String {
        switch self {
        case .poll: "poll"
        case .live: "live"
        case .push: "push"
        case .unspecified, .unrecognized: "unspecified"
        }
    }
}

/// Two lower-case digits for each byte.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
}

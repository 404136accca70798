/// A message that comes in parts must read as it does in one, and fail as it does in one.
///
/// The first two bytes choose how long the parts are, and from where on a field is long.
@Sendable func fuzzParted(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    let (size, longBytesMin) = (Int(bytes[0]) + 1, Int(bytes[1]))
    let whole = Array(bytes[2...])
    let pieces = stride(from: 0, to: whole.count, by: size).map {
        Array(whole[$0..<min($0 + size, whole.count)])
    }
    var parted = PartedMessage(Assembly(pieces), longBytesMin: longBytesMin)
    while parted.step({ _ in }) {}
    report(parted.whole() == whole, "parts do not make up what they were taken from")
    compare(Metadata.Entry.self, whole, parted)
    compare(ErrorDetail.self, whole, parted)
    compare(CallStatus.self, whole, parted)
}

private func compare<M: Message>(_: M.Type, _ whole: [UInt8], _ parted: PartedMessage) {
    do throws(DecodingFailure) {
        let message = try M(decoding: whole)
        report((try? M(parted)) == message, "\(M.typeName): parts read otherwise")
    } catch {
        do throws(DecodingFailure) {
            _ = try M(parted)
            report(false, "\(M.typeName): parts read what cannot be read in one")
        } catch let other {
            report(other == error, "\(M.typeName): parts fail otherwise: \(other), not \(error)")
        }
    }
}

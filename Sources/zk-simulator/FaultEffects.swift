extension Device {
    /// Changes what a fault changes of the device itself.
    mutating func suffer(_ fault: Fault, _ now: Now) {
        switch fault.kind {
        case .clock: clock.step(by: Int64(fault.amount) * 1000)
        case .drift: clock.drift(Int64(fault.amount), trueTime: now.trueTime)
        case .full: model.recordCapacity = log.count
        case .key: model.commKey = model.commKey &+ 1
        case .short: damage.missing = max(0, fault.amount)
        case .twice: damage.repeated = max(0, fault.amount)
        default: break
        }
    }
}

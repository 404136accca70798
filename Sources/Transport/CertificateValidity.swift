/// From when to when a certificate is valid, in seconds since 1970, both inclusive.
public struct CertificateValidity: Sendable, Hashable {
    public let notBefore: Int64
    public let notAfter: Int64

    public init(notBefore: Int64, notAfter: Int64) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    public func contains(_ time: Int64) -> Bool { notBefore <= time && time <= notAfter }

    /// How much of the life is left at `time`: 1 before it begins, 0 when it has ended.
    public func fractionLeft(at time: Int64) -> Double {
        if time <= notBefore { return 1 }
        if time >= notAfter { return 0 }
        // As Double before the subtraction: a certificate may say any year.
        let life = Double(notAfter) - Double(notBefore)
        return (Double(notAfter) - Double(time)) / life
    }
}

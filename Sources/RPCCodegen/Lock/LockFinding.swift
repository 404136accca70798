/// A change that a lock does not allow, or advises against.
struct LockFinding: Hashable, Sendable {
    var rule: BreakingRule
    /// What the lock has a line for.
    var promised: LockSubject
    /// Where the schemas have what has changed, or what it was declared in.
    var place: LockPlace
    /// Names both sides.
    var text: String
    /// What to do in its place, in the terms of this change.
    var remedy: String

    var level: BreakingLevel { rule.level }
}

/// A part of a schema that a finding points at.
enum LockPlace: Hashable, Sendable {
    enum FieldPart: Hashable, Sendable {
        case name, type, number, limit
    }

    enum MethodPart: Hashable, Sendable {
        case name, signature, time, roles, idempotency, route
    }

    case package(String)
    case declaration(TypeName)
    case field(TypeName, UInt32, FieldPart)
    case value(TypeName, Int32)
    case method(TypeName, String, MethodPart)
}

/// What the linter warns of; a rule's number never changes and never comes back.
enum LintRule: Int, NumberedRule {
    static let prefix = "LINT"

    case form = 1
    case packageVersion = 2
    case unusedImport = 3
    case undocumented = 4
    case undocumentedMember = 5
    case numberGap = 6
    case defaultLimit = 7
    case secret = 8
    case unmarkedRead = 9
    case idempotency = 10
    case unstableImport = 11

    /// What is wrong with it, and what to do.
    var explanation: String {
        switch self {
        case .form:
            """
            The schema is not in the form that the formatter gives it. `RPCCodegen format` rewrites
            it; words, signs and comments stay as they are.
            """
        case .packageVersion:
            """
            The package does not end with a version, such as `.v1`, `.v2alpha1` or `.v0`. With one,
            a breaking change can come as a new package beside the old.
            """
        case .unusedImport:
            """
            Nothing of the imported schema is used. Take the import out.
            """
        case .undocumented:
            """
            A message, enum, service or method has no `///` lines before it. Say in one sentence
            what it is or does: they are copied into what is generated.
            """
        case .undocumentedMember:
            """
            A field or value has no `///` lines before it. Say what it means, its unit, and what
            the default stands for. The value 0 of the name `unspecified` or `unknown` needs none.
            """
        case .numberGap:
            """
            Numbers below a field's are neither used nor reserved. Where fields were removed there,
            a new field must not get their numbers: write `reserved` with the numbers and the names.
            """
        case .defaultLimit:
            """
            A string, bytes value, list or map has the limit that holds where none is written. Write
            the one that it needs, such as `(max 64)`: what a peer may send is then known.
            """
        case .secret:
            """
            The name sounds like a secret, but the field is not marked `redact`, so its value would
            be printed in logs and dumps. Write `(redact)`.
            """
        case .unmarkedRead:
            """
            The name of the method says that it reads. Write `safe` if no call changes anything:
            callers may then repeat it, and HTTP may have it as a GET.
            """
        case .idempotency:
            """
            What the method says of its repetition does not go with its name or its route: a safe
            method changes nothing, and everyone between client and server takes a PUT or DELETE for
            idempotent.
            """
        case .unstableImport:
            """
            A package whose version promises stability imports one that promises none (`v0`,
            `v1alpha1`, `v2beta1`), and so breaks with it.
            """
        }
    }
}

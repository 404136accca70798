// What each rule says; `docs/EVOLUTION.md` has the same words.

extension BreakingRule {
    /// What has changed, in one line.
    var statement: String { text.statement }
    /// Which programs that change hurts, and how.
    var hurts: String { text.hurts }
    /// What to do in its place.
    var remedy: String { text.remedy }

    typealias Text = (statement: String, hurts: String, remedy: String)

    private var text: Text {
        switch self {
        case .valueRemoved, .valueNameRemoved, .valueRenumbered, .valueRenamed: valueText
        case .messageRemoved, .enumRemoved, .serviceRemoved, .servicePackage, .typePackage:
            declarationText
        case .methodRemoved, .methodStreams, .methodMessages, .roleRemoved, .idempotencyWeakened,
            .routeChanged, .timeShortened:
            methodText
        case .typeChanged, .typeNarrowed, .typeInJSON, .enumReplaced, .messageReplaced,
            .presenceChanged, .repetitionChanged, .oneofChanged, .oneofRenamed, .limitTightened,
            .limitRaised:
            typeText
        default: fieldText
        }
    }

    private var fieldText: Text {
        switch self {
        case .fieldRemoved:
            (
                "a field is removed and its number is free",
                "programs that still send it are misread once a new field has the number",
                "reserve the number and the name"
            )
        case .fieldNameFreed:
            (
                "a field is removed and its name is free",
                "programs that still send it in JSON are misread once a new field has the name",
                "reserve the name too"
            )
        case .fieldGone:
            (
                "a field is removed, and reserved",
                "sources that use it do not compile",
                "mark it `deprecated` until nobody uses it"
            )
        case .fieldRenumbered:
            (
                "a field has another number",
                "programs built before do not find it, and take what has the old number for it",
                "give it its number back"
            )
        case .fieldNameMoved:
            (
                "a name is that of a new field, and the old one's number is reserved",
                "programs that send the old field in JSON set the new one",
                "give the new field a name of its own, and reserve the old name"
            )
        case .numberReused:
            (
                "a number belongs to another field",
                "programs built before send and read the old field under that number",
                "give the new field a new number, and reserve the old one"
            )
        case .fieldRenamed:
            (
                "a field has another name",
                "programs that exchange JSON do not find it; sources that use it do not compile",
                "keep the name, or add a new field beside it"
            )
        case .reservedNumberFreed:
            (
                "a reserved number is free again",
                "programs that still send the old field are misread once a new one has the number",
                "keep it reserved, for ever"
            )
        default:
            (
                "a reserved name is free again",
                "programs that still send the old name in JSON are misread once it is used again",
                "keep it reserved, for ever"
            )
        }
    }

    private var typeText: Text {
        switch self {
        case .typeChanged:
            (
                "a field has a type of another wire form",
                "programs built before refuse the message, or find nothing in the field",
                "add a field with a new number, and reserve the old one when nobody uses it"
            )
        case .typeNarrowed:
            (
                "a field has a type that does not hold all values of the other",
                "values that only one of the types has are cut off, misread or refused",
                "add a field with a new number, and reserve the old one when nobody uses it"
            )
        case .typeInJSON:
            (
                "a field was a number and is an enum, or the other way",
                "programs that exchange JSON get a name where they read numbers",
                "add a field with a new number, and reserve the old one when nobody uses it"
            )
        case .enumReplaced:
            (
                "a field has another enum",
                "programs that exchange JSON get names of values that they do not know",
                "keep the enum and its name"
            )
        case .messageReplaced:
            (
                "a field has another message",
                "sources that use it do not compile; what the messages hold is compared as well",
                "keep the message and its name"
            )
        case .presenceChanged:
            (
                "a field was plain and can be absent, or the other way",
                "one side cannot say, or not see, whether the value was left out",
                "add a field with a new number"
            )
        case .repetitionChanged:
            (
                "one value has become a list or map, or the other way, or a list a map",
                "programs built before find nothing in the field, or the last value only",
                "add a field with a new number"
            )
        case .oneofChanged:
            (
                "fields exclude one another that did not, or do not any more",
                "what was sent together arrives as one alone, or both arrive where one was meant",
                "add new fields in the oneof, and leave the old ones where they are"
            )
        case .oneofRenamed:
            (
                "the same fields exclude one another in a oneof of another name",
                "sources that use it do not compile",
                "keep the name"
            )
        case .limitTightened:
            (
                "a limit is tighter",
                "messages of programs built before are refused where a value is outside it",
                "keep the limit; let new writers keep to the tighter one first"
            )
        default:
            (
                "a limit is wider",
                "programs built before refuse messages whose values use it",
                "update those who read before those who write"
            )
        }
    }
}

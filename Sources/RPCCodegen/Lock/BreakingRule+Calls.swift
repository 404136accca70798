// What the rules of enums, declarations and methods say.

extension BreakingRule {
    var valueText: Text {
        switch self {
        case .valueRemoved:
            (
                "a value is removed and its number is free",
                "programs that still send it are misread once a new value has the number",
                "reserve the number and the name"
            )
        case .valueNameRemoved:
            (
                "a value is removed",
                "programs that still send its name in JSON are refused, or the value is lost",
                "mark it `deprecated` until nobody sends it, then reserve number and name"
            )
        case .valueRenumbered:
            (
                "a value has another number",
                "programs built before take it for another value",
                "give it its number back"
            )
        default:
            (
                "a value has another name",
                "programs that exchange JSON do not know it; sources that use it do not compile",
                "keep the name"
            )
        }
    }

    var declarationText: Text {
        switch self {
        case .messageRemoved:
            (
                "a message is removed or renamed",
                "sources that use it do not compile; fields and methods are compared as well",
                "keep it, marked `deprecated`, until nobody uses it"
            )
        case .enumRemoved:
            (
                "an enum is removed or renamed",
                "sources that use it do not compile; fields are compared as well",
                "keep it, marked `deprecated`, until nobody uses it"
            )
        case .serviceRemoved:
            (
                "a service is removed or renamed",
                "calls of programs built before are refused",
                "keep it, marked `deprecated`, until nobody calls it"
            )
        case .servicePackage:
            (
                "a service is in another package",
                "calls of programs built before are refused: methods are known by full names",
                "keep the package, or have the old one beside it in a schema of its own"
            )
        default:
            (
                "messages and enums are in another package",
                "programs that know types by full names, as those built from a `.proto`, find none",
                "keep the package"
            )
        }
    }

    var methodText: Text {
        switch self {
        case .methodRemoved:
            (
                "a method is removed or renamed",
                "calls of programs built before are refused",
                "keep it, marked `deprecated`, until nobody calls it"
            )
        case .methodStreams:
            (
                "a side of a method was a stream and is one message, or the other way",
                "calls of programs built before are refused",
                "add a method beside it"
            )
        case .methodMessages:
            (
                "a method takes or gives another message",
                "sources that use it do not compile; what the messages hold is compared as well",
                "keep the message and its name"
            )
        case .roleRemoved:
            (
                "a role may not call a method any more",
                "calls of peers that have that role are refused",
                "keep the role until none of its peers calls the method"
            )
        case .idempotencyWeakened:
            (
                "a method promises less of a second call",
                "programs built before repeat a call that may now be done twice",
                "keep the promise, or add a method beside it"
            )
        case .routeChanged:
            (
                "a route is removed or changed",
                "HTTP requests of callers that know the old one are not found, or misread",
                "keep the route, and add a method with the new one"
            )
        default:
            (
                "a deadline or idle limit is shorter",
                "callers built anew give up earlier than those built before",
                "check that the servers are that fast"
            )
        }
    }
}

/// A way to break a promise of the contract.
enum PlantedBug: String, CaseIterable, Sendable {
    // Waking
    case wakesNobody
    case wakesOnlyTheFirstWaiter
    case wakesNobodyWhoWaitsForACategory
    case ignoresCancellation
    // Conditions
    case checksRevisionsOutsideTheLock
    case checksQueriesOutsideTheLock
    case takesOneEventTooManyAsSeen
    case takesOneEventTooFewAsSeen
    case refusesWithoutTheEvents
    case storesHalfABatchOnConflict
    case checksConditionBeforeIdempotency
    // Idempotency
    case forgetsIDsAtReopen
    case answersARepeatWithTheHead
    case forgetsIDsOfEarlyAppends
    // Tracking
    case keepsTrackingOfRefusedAppends
    case losesTrackingAtReopen
    // Reading
    case leavesThroughBehindAtTheEnd
    case skipsOneAtPageEnds
    case repeatsOneAtPageEnds
    case joinsTagsWithOr
    case ignoresTypesWhenThereAreTags
    case readsBackwardsUnsorted
    case readsBackwardsWithTheBound
    case announcesEventsBeforeTheyAreVisible
    case saysTheEndTooEarly
    case lagsBehindWithTheHead
    // Names and contents
    case mergesNamesThatLookTheSame
    case dropsMetadata
    case sortsTags
    case readsPayloadsAsText
    case listsStreamsByCharacters
    case takesLongNames
    // Time and identity
    case letsTimeRunBackwards
    case ignoresGivenTimes
    case takesTimesFarAhead
    case changesItsIdentityAtReopen
    case mixesUpRevisionsOfABatch
    // The hash chain
    case skipsAStepOfTheChain
}

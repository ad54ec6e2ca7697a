import SillokProcesses

extension Shop {
    /// Returns the runner of the checkouts. Its requests of this day go into the books of this day.
    func checkouts(index model: any ReadModel, bank: Bank) -> ProcessRunner<Checkout> {
        ProcessRunner(Checkout.self, after: .start, in: store, index: model) { request in
            switch request {
            case .reserve(let item, let units, let order):
                .execute(.reserve(order: order, units: units), on: item, with: stock)
            case .release(let item, let order): .execute(.release(order: order), on: item, with: stock)
            case .dispatch(let item, let order): .execute(.dispatch(order: order), on: item, with: stock)
            case .takeBack(let item, let order): .execute(.takeBack(order: order), on: item, with: stock)
            case .confirm(let order): .execute(.confirm, on: order, with: orders)
            case .pay(let order, let payment, let cents):
                .execute(.pay(payment: payment, cents: cents, day: day), on: order, with: orders)
            case .cancel(let order, let reason): .execute(.cancel(reason: reason, day: day), on: order, with: orders)
            case .recordCharge(let payment, let order, let cents, let day):
                .execute(.recordCharge(payment: payment, order: order, cents: cents), on: day, with: settlements)
            case .recordRefund(let payment, let order, let cents, let day):
                .execute(.recordRefund(payment: payment, order: order, cents: cents), on: day, with: settlements)
            }
        } effects: { effect in
            switch effect {
            case .charge(let card, let cents): bank.call(cents, from: card)
            case .refund(let card, let cents): bank.call(-cents, from: card)
            case .tell(let text): EffectCall { _ in bank.tell(text) }
            }
        }
    }
}

extension Bank {
    /// Returns the call that takes an amount, or gives it back if it is negative.
    fileprivate func call(_ cents: Int, from card: String) -> EffectCall {
        var policy = EffectCall.Policy()
        policy.attempts = 3
        return EffectCall(policy: policy) { attempt in
            self.find(attempt.idempotencyKey)
        } _: { attempt in
            try await self.take(cents, from: card, key: attempt.idempotencyKey)
        }
    }
}

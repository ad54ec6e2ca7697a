// Draws an account by hand; the store comes next.
var account = BankAccount()
for command in [BankAccount.Command.open(owner: "Ada"), .deposit(100_00), .withdraw(30_00)] {
    for event in try account.decide(command) { account.evolve(event) }
}
print(account)

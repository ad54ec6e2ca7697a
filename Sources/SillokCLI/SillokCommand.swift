@main struct SillokCommand { static func main() {} }

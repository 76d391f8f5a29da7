-- What an outbox does to the requests that its entries send: stdlib/outbox/send.lua sets these two when a
-- mutation is defined, and until then they are nil.
--
-- key(method): the idempotency key of the next request of this task, or nil
-- fix(request): makes the request the one that was sent first under its key; returns an error where that
-- cannot be kept
return {}

-- What others have to do with each request, set when they are first used, and nil until then: by an outbox
-- (stdlib/outbox/send.lua) the first two, by tidelock.net (stdlib/net/reach.lua) the last.
--
-- key(method): the idempotency key of the next request of this task, or nil
-- fix(request): makes the request the one that was sent first under its key; returns an error where that
-- cannot be kept
-- note(url, res, err): hears the outcome of each attempt
return {}
